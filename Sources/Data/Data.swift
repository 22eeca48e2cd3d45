import CFreeType
import CPNG
import Tensor
