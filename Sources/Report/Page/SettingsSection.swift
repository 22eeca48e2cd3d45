/// The configuration, and the hardware and software that the training ran on.
struct SettingsSection {
  /// As YAML.
  let configuration: String
  let facts: [(name: String, value: String)]

  func markup() -> Markup {
    element("section", ["id": "settings"]) {
      element("h2") { "Settings" }
      element("details", ["class": "card", "id": "configuration"]) {
        element("summary") { "Configuration" }
        element("pre") { element("code") { configuration } }
      }
      element("div", ["class": "card", "id": "hardware"]) {
        element("h3") { "Hardware and software" }
        if facts.isEmpty {
          element("p", ["class": "remark"]) { "Not known." }
        }
        element("dl", ["class": "facts"]) {
          for fact in facts {
            element("dt") { fact.name }
            element("dd") { element("bdi") { fact.value } }
          }
        }
      }
    }
  }
}
