import COpenBLAS

extension BLAS {
  /// The version of OpenBLAS in use, such as `0.3.21`.
  public static var version: String {
    let parts = String(cString: openblas_get_config()).split(separator: " ")
    return parts.first { $0.first?.isNumber ?? false }.map(String.init) ?? parts.joined(separator: " ")
  }
}
