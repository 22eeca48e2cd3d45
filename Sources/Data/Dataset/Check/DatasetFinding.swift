/// Something that `DatasetChecker` found wrong or doubtful in a folder of images.
public struct DatasetFinding: Sendable, Hashable, Codable {
  /// How bad a finding is.
  public enum Severity: String, Sendable, Codable, CaseIterable {
    /// The image can't be used, or something about it is surely wrong.
    case error
    /// The image can be used and may be wrong, or training may suffer.
    case warning
  }

  public let kind: Kind
  public let severity: Severity
  /// The images concerned by their names within the folder, those of another folder with its path before them, or a list's
  /// name and line; none where the finding is about the folder as a whole.
  public let files: [String]
  /// What exactly was found, in one sentence without the names of the files.
  public let detail: String
  /// The image's label, for `likelyWrongLabel`.
  public let label: String?
  /// What a model reads instead of the label, for `likelyWrongLabel`.
  public let read: String?
  /// How sure the model is of what it read, 0...1, for `likelyWrongLabel`.
  public let confidence: Double?

  public init(
    _ kind: Kind, severity: Severity? = nil, files: [String], detail: String, label: String? = nil,
    read: String? = nil, confidence: Double? = nil
  ) {
    self.kind = kind
    self.severity = severity ?? kind.usualSeverity
    self.files = files
    self.detail = detail
    self.label = label
    self.read = read
    self.confidence = confidence
  }

  /// What kind of thing was found; the raw values stay the same from version to version.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// A line of the list of labels can't be understood.
    case invalidListEntry = "invalid_list_entry"
    /// The list of labels names a file again.
    case listedTwice = "listed_twice"
    /// The list of labels names a file that is not there.
    case missingFile = "missing_file"
    /// There is no list and the file's name holds no label.
    case noLabel = "no_label"
    /// The label has no characters.
    case emptyLabel = "empty_label"
    /// The label begins or ends with white space.
    case labelWhitespace = "label_whitespace"
    /// The label has more characters than allowed.
    case labelTooLong = "label_too_long"
    /// The label holds a character that the charset lacks.
    case labelOutsideCharset = "label_outside_charset"
    /// The file can't be read or decoded as an image.
    case unreadableImage = "unreadable_image"
    /// The library for the image's format is not installed.
    case missingLibrary = "missing_library"
    /// The file's content is of another format than its name says; an error where it can't be read for that reason.
    case wrongExtension = "wrong_extension"
    /// Files show the same picture and have different labels, so that at least one of them is wrong.
    case contradictoryLabel = "contradictory_label"
    /// The label of a sum is not its answer.
    case wrongAnswer = "wrong_answer"
    /// A picture is in the folder for training and in that for validation.
    case leakedPicture = "leaked_picture"
    /// A file's name is in the folder for training and in that for validation, with different pictures.
    case leakedName = "leaked_name"
    /// Files show the same picture and have labels that differ in upper and lower case only.
    case labelCaseConflict = "label_case_conflict"
    /// Files have the same bytes.
    case duplicateFile = "duplicate_file"
    /// Files have different bytes and show the same picture.
    case duplicatePicture = "duplicate_picture"
    /// The label in the file's name is another than that of the list.
    case labelNameMismatch = "label_name_mismatch"
    /// The label of an image that is no sum differs from the text that it shows.
    case labelTextMismatch = "label_text_mismatch"
    /// The file's name holds the MD5 digest of another content.
    case changedFile = "changed_file"
    /// The folder holds an image that the list doesn't name.
    case unlistedFile = "unlisted_file"
    /// The folder holds a further list of labels, which is not used.
    case unusedList = "unused_list"
    /// The image has another size than nearly all others.
    case unusualSize = "unusual_size"
    /// All pixels of the image have the same colour.
    case uniformPicture = "uniform_picture"
    /// Characters of the charset are in no label.
    case absentCharacters = "absent_characters"
    /// A type has far fewer images than the others.
    case rareType = "rare_type"
    /// A model that is sure of what it reads contradicts the label.
    case likelyWrongLabel = "likely_wrong_label"

    /// The severity of findings of this kind, unless they say otherwise.
    public var usualSeverity: Severity {
      switch self {
      case .invalidListEntry, .listedTwice, .missingFile, .noLabel, .emptyLabel, .labelWhitespace, .labelTooLong,
        .labelOutsideCharset, .unreadableImage, .missingLibrary, .wrongExtension, .contradictoryLabel, .wrongAnswer,
        .leakedPicture:
        .error
      case .leakedName, .labelCaseConflict, .duplicateFile, .duplicatePicture, .labelNameMismatch, .labelTextMismatch,
        .changedFile, .unlistedFile, .unusedList, .unusualSize, .uniformPicture, .absentCharacters, .rareType,
        .likelyWrongLabel:
        .warning
      }
    }

    /// What the user can do about it.
    public var remedy: String {
      switch self {
      case .invalidListEntry: "correct or remove the line"
      case .listedTwice: "keep one line per file"
      case .missingFile: "restore the file or remove its line"
      case .noLabel: "name the file LABEL-HASH.png, or list it in manifest.jsonl or labels.csv"
      case .emptyLabel: "give the text that the image shows"
      case .labelWhitespace: "remove the white space"
      case .labelTooLong: "correct the label or raise --maximum-length"
      case .labelOutsideCharset: "correct the label or give --charset"
      case .unreadableImage: "fetch or draw the image again, or remove it"
      case .missingLibrary: "install the library; the images may be good"
      case .wrongExtension: "convert the image or rename it"
      case .contradictoryLabel: "find the right label and keep one of the files"
      case .wrongAnswer: "correct the label or the text"
      case .leakedPicture: "remove it from one of the folders; accuracy on seen images means nothing"
      case .leakedName: "check whether it is the same captcha, and rename one"
      case .labelCaseConflict: "decide for one spelling, or use labels of one case"
      case .duplicateFile, .duplicatePicture: "keep one of each"
      case .labelNameMismatch: "find the right label and correct the list or the name"
      case .labelTextMismatch: "correct the label or the text"
      case .changedFile: "compare with the original, or rename the file"
      case .unlistedFile: "list the image or remove it; it is not used"
      case .unusedList: "remove the list, or the one that is used"
      case .unusualSize: "check that it belongs here; training scales it to the common size"
      case .uniformPicture: "look at it, and remove it if nothing can be read"
      case .absentCharacters: "add images that show them, or give a charset without them"
      case .rareType: "add images of this type, or leave it out"
      case .likelyWrongLabel: "look at the image and correct the label if the model is right"
      }
    }
  }
}
