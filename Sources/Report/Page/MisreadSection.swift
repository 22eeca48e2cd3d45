import Callbacks

/// The wrong readings that the model was surest of, as pictures.
struct MisreadSection {
  let validation: ValidationRecord

  func markup() -> Markup {
    element("section", ["id": "misread"]) {
      element("h2") { "The most confident errors after epoch \(validation.epoch + 1)" }
      if validation.misread.isEmpty {
        element("p", ["class": "card lead"]) { none }
      } else {
        element("p", ["class": "lead"]) {
          "Images that are read wrong with the highest confidence, as the model sees them. Labels among them that are "
            + "wrong themselves are worth mending."
        }
        element("div", ["class": "pictures"]) {
          for (index, misread) in validation.misread.enumerated() { card(misread, index) }
        }
      }
    }
  }

  private var none: String {
    validation.report.count == 0
      ? "No image was read." : "None: all \(NumberText.count(validation.report.count, "image")) were read right."
  }

  private func card(_ misread: ValidationRecord.Misread, _ index: Int) -> Markup {
    element("figure", ["class": "card picture"]) {
      if let picture = misread.picture {
        element(
          "img",
          [
            "id": EmbeddedRecord.pictureIdentifier(index), "src": EmbeddedRecord.picturePrefix + picture,
            "width": "\(misread.width)", "height": "\(misread.height)",
            "alt": "An image that shows \(misread.label), read as \(misread.text)",
          ])
      } else {
        element("p", ["class": "remark"]) { "Without its picture, which would make the page too large." }
      }
      element("dl") {
        element("dt") { "label" }
        element("dd") { text(misread.label, other: misread.text, style: "missed") }
        element("dt") { "read" }
        element("dd") { text(misread.text, other: misread.label, style: "wrong") }
      }
      element("figcaption") {
        "\(NumberText.percent(misread.confidence, digits: 1)) sure"
        if let type = misread.type {
          " · "
          element("bdi") { type }
        }
        element("br")
        element("bdi", ["class": "file"]) { misread.name }
      }
    }
  }

  /// A text in which the characters that the other lacks at their places stand out.
  private func text(_ text: String, other: String, style: String) -> Markup {
    let characters = Array(other)
    return element("bdi", ["class": "reading"]) {
      if text.isEmpty { element("span", ["class": "nothing"]) { "nothing" } }
      for (index, character) in text.enumerated() {
        if index < characters.count, characters[index] == character {
          String(character)
        } else {
          element("b", ["class": style]) { String(character) }
        }
      }
    }
  }
}
