/// What happened in the training beside its numbers, in the order of the epochs.
struct HistorySection {
  let record: TrainingRecord

  private struct Event {
    var epoch: Int
    var kind: String
    var text: String
  }

  func markup() -> Markup {
    let events = events()
    return element("section", ["id": "history"]) {
      element("h2") { "What happened" }
      if events.isEmpty {
        element("p", ["class": "card remark"]) { "Nothing out of the ordinary." }
      } else {
        element("ol", ["class": "card events"]) {
          for event in events {
            element("li") {
              element("span", ["class": "epoch"]) { "epoch \(event.epoch + 1)" }
              element("span", ["class": "kind \(event.kind)"]) { event.kind }
              element("bdi", ["class": "text"]) { event.text }
            }
          }
        }
      }
      if record.omittedNotes > 0 {
        element("p", ["class": "remark"]) {
          "\(NumberText.count(record.omittedNotes)) more notes are not shown; the log of the training has them."
        }
      }
    }
  }

  private func events() -> [Event] {
    let lowered = record.loweredRates.map { change in
      Event(
        epoch: change.epoch, kind: "rate",
        text:
          "\(change.callback): from \(NumberText.rate(change.earlier)) to \(NumberText.rate(change.later))")
    }
    let all = notes() + saved() + lowered + ending()
    // The sort keeps the order within an epoch.
    return all.sorted { $0.epoch < $1.epoch }
  }

  private func notes() -> [Event] {
    record.notes.map { note in
      let times = note.count > 1 ? " (\(NumberText.count(note.count)) times)" : ""
      switch note.kind {
      case .message: return Event(epoch: note.epoch, kind: "message", text: note.text + times)
      case .warning: return Event(epoch: note.epoch, kind: "warning", text: note.text + times)
      case .skippedUpdate:
        return Event(
          epoch: note.epoch, kind: "skipped", text: "\(NumberText.count(note.count, "update")) left out: \(note.text)")
      case .restored: return Event(epoch: note.epoch, kind: "restored", text: note.text)
      case .resumed: return Event(epoch: note.epoch, kind: "resumed", text: note.text + times)
      }
    }
  }

  /// The last one of each name: it has replaced those before it.
  private func saved() -> [Event] {
    Dictionary(grouping: record.savedModels, by: \.name).values.compactMap { models in
      models.last.map { last in
        let times = models.count > 1 ? ", the last of \(models.count) that were saved" : ""
        return Event(epoch: last.epoch, kind: "saved", text: last.phrase + times)
      }
    }.sorted { $0.text < $1.text }
  }

  private func ending() -> [Event] {
    guard let ending = record.ending else { return [] }
    return [Event(epoch: max(0, record.epochs.last?.epoch ?? 0), kind: ending.kind.rawValue, text: ending.text)]
  }
}
