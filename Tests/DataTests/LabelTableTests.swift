import Foundation
import Testing

@testable import Data

@Suite struct LabelTableTests {
  private func listing(_ text: String, as name: String = "labels.csv") throws -> DatasetListing {
    let folder = try TemporaryFolder()
    try folder.write(text, to: name)
    return try DatasetListing(directory: folder.path)
  }

  private func fault(_ text: String, as name: String = "labels.csv") -> String? {
    let error = #expect(throws: DatasetError.self) { try listing(text, as: name) }
    guard case .unreadableList(_, let reason) = error else { return nil }
    #expect(error?.description.contains("\n") == false && error?.description.contains("/\(name): ") == true)
    return reason
  }

  @Test func columnsComeInAnyOrder() throws {
    let text =
      "\u{FEFF}Label,more, FILE ,style,type,text\r\na1,x,./1.png,s,t,1+2\r\n\r\nb2,,2.png,,,\r\nc3,y,\"3,3.png\"\r\n"
    let listing = try listing(text)
    #expect(listing.source == .csv && listing.rejected.isEmpty)
    #expect(
      listing.samples == [
        Sample(name: "1.png", label: "a1", type: "t", text: "1+2", style: "s"), Sample(name: "2.png", label: "b2"),
        Sample(name: "3,3.png", label: "c3"),
      ])
  }

  @Test func quotedFields() throws {
    let text = "file,label\n\"a \"\"b\"\".png\",\"x,y\"\n\"c.png\",\"\"\n\"d.png\",e\n"
    #expect(
      try listing(text).samples == [
        Sample(name: "a \"b\".png", label: "x,y"), Sample(name: "c.png", label: ""), Sample(name: "d.png", label: "e"),
      ])
  }

  @Test func tabs() throws {
    let listing = try listing(
      "file\tlabel\ttype\n1.png\ta,1\tmath\n2.png\t\"b\t2\"\n3.png\tc\td\te\n", as: "labels.tsv")
    #expect(listing.source == .tsv)
    #expect(listing.samples == [Sample(name: "1.png", label: "a,1", type: "math")])
    #expect(
      listing.rejected.map(\.description) == [
        "labels.tsv row 3: has a label with a control character", "labels.tsv row 4: has 4 fields for 3 columns",
      ])
  }

  @Test func wrongRowsAreNamed() throws {
    let text = "file,label\n1.png,a\n1.png,b\n../x.png,c\n,d\n5.png\n6.png,e,f\n/7.png,g\n8.png,h"
    let listing = try listing(text)
    #expect(listing.samples.map(\.name) == ["1.png", "8.png"] && listing.samples.map(\.label) == ["a", "h"])
    #expect(
      listing.rejected.map(\.description) == [
        "1.png: named again in labels.csv row 3, first in row 2",
        "labels.csv row 4: \"../x.png\" is outside the folder", "labels.csv row 5: names no file",
        "labels.csv row 6: has no \"label\"", "labels.csv row 7: has 3 fields for 2 columns",
        "labels.csv row 8: \"/7.png\" is outside the folder",
      ])
  }

  @Test func tablesThatCannotBeTrustedAreRefused() throws {
    #expect(fault("1.png,a1\n2.png,b2\n")?.hasPrefix("row 1: there is no column \"file\"") == true)
    #expect(fault("file,text\n1.png,b2\n")?.hasPrefix("row 1: there is no column \"label\"") == true)
    #expect(fault("file,label,file\n") == "row 1: there are several columns \"file\"")
    #expect(fault("file,label\n1.png,\"a\"b\n2.png,c\n") == "row 2 has a quotation mark in the wrong place")
    #expect(fault("file,\"label\"x\n") == "row 1 has a quotation mark in the wrong place")
    let folder = try TemporaryFolder()
    try folder.write(Array("file,label\n1.png,".utf8) + [0xE9, 0x0A], to: "labels.csv")
    #expect(
      throws: DatasetError.unreadableList(file: folder.file("labels.csv"), reason: "line 2 is not UTF-8 text")
    ) { try DatasetListing(directory: folder.path) }
    for text in ["", "\n \r\n", "file,label\n"] {
      try folder.write(text, to: "labels.csv")
      #expect(throws: DatasetError.emptyList(file: folder.file("labels.csv"))) {
        try DatasetListing(directory: folder.path)
      }
    }
    // What follows a missing quotation mark would be one field with line breaks, and at the end of the file nothing.
    for text in ["1.png,\"a\n2.png,b\n", "1.png,a\n2.png,\"b", "1.png,a\n2.png,b\""] {
      let error = #expect(throws: DatasetError.self) { try listing("file,label\n" + text) }
      #expect(error?.description.contains("a quotation mark is not closed") == true)
    }
    // One that stands inside a field is doubled, and line breaks may stand there too.
    #expect(
      try listing("file,label\n1.png,\"a\nb\"\n").rejected.map(\.description)
        == ["labels.csv row 2: has a label with a control character"])
  }

  @Test func theFirstListIsUsed() throws {
    let folder = try TemporaryFolder()
    let lists = [
      ("manifest.jsonl", "{\"file\": \"a.png\", \"label\": \"1\"}", LabelSource.manifest),
      ("labels.csv", "file,label\na.png,2", .csv), ("labels.tsv", "file\tlabel\na.png\t3", .tsv),
      ("labels.txt", "a.png\t4", .labelFile),
    ]
    var names: [String] = []
    for (name, text, source) in lists.reversed() {
      try folder.write(text, to: name)
      let listing = try DatasetListing(directory: folder.path)
      #expect(listing.source == source && listing.unusedLists == names)
      #expect(listing.samples.map(\.label) == [String(text.last { $0.isNumber } ?? " ")])
      names.insert(name, at: 0)
    }
  }

  @Test func longLinesAndLargeFiles() throws {
    let folder = try TemporaryFolder()
    let long = String(repeating: "x", count: 9 << 20)
    let line = "{\"file\": \"a.png\", \"label\": \"1\"}"
    try folder.write(
      "\(line)\n\(long)\n\(line.replacing("a.png", with: "b.png"))\n{\"file\": \"\(long.prefix(2 << 20))\"}",
      to: "manifest.jsonl")
    let listing = try DatasetListing(directory: folder.path)
    #expect(listing.samples.map(\.name) == ["a.png", "b.png"])
    #expect(
      listing.rejected.map(\.description) == [
        "manifest.jsonl line 2: is longer than 1048576 bytes", "manifest.jsonl line 4: is longer than 1048576 bytes",
      ])
    // A file of holes, larger than the limit, takes no space on the disk.
    for name in ["labels.txt", "labels.tsv", "labels.csv", "manifest.jsonl"] {
      let folder = try TemporaryFolder()
      try folder.write("", to: name)
      #expect(truncate(folder.file(name), (1 << 30) + 1) == 0)
      #expect(
        throws: DatasetError.unreadableList(
          file: folder.file(name),
          reason: "the file has 1073741825 bytes, more than the limit of 1073741824")
      ) { try DatasetListing(directory: folder.path) }
    }
  }

  @Test func linesAcrossBlocksAreWhole() throws {
    let folder = try TemporaryFolder()
    // About 6 MB, two blocks.
    let count = 70_000
    let lines = (0..<count).map { "image-\($0 * 7919 % count)-\(String(repeating: "x", count: 60)).png\tL\($0)" }
    try folder.write(lines.joined(separator: "\r\n"), to: "labels.txt")
    let listing = try DatasetListing(directory: folder.path)
    #expect(listing.rejected.isEmpty && listing.samples.count == count)
    let labels = Dictionary(
      uniqueKeysWithValues: lines.map { line in
        let fields = line.split(separator: "\t")
        return (String(fields[0]), String(fields[1]))
      })
    #expect(listing.samples.allSatisfy { labels[$0.name] == $0.label })
    #expect(zip(listing.samples, listing.samples.dropFirst()).allSatisfy { $0.name < $1.name })
  }
}
