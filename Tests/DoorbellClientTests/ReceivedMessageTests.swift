import DoorbellClient
import DoorbellCore
import Foundation
import Testing

@Suite struct ReceivedMessageTests {
    private func read(_ text: String) -> ReceivedMessage? { ReceivedMessage(Array(text.utf8)) }
    private func string(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    @Test("every member of a change is there, raw where it is the application's")
    func change() throws {
        let text =
            #"{"type":"note","channel":"c","version":2,"position":"7.1-2","previous":"7.1-1","op":"update","key":{"id":1.50},"data":{"b": "\u00e4"},"changed":["b"],"timestamp":1763763600123,"new":[1]}"#
        let message = try #require(read(text))
        #expect(message.type == "note")
        #expect(message.channel == "c")
        #expect(message.version == 2)
        #expect(message.position == "7.1-2")
        #expect(message.previous == "7.1-1")
        #expect(message.operation == .update)
        #expect(string(message.key) == #"{"id":1.50}"#)
        #expect(string(message.data) == #"{"b": "\u00e4"}"#)
        #expect(message.changed == ["b"])
        #expect(message.timestamp == 1_763_763_600_123)
        #expect(string(message.raw) == text)
        #expect(message.isPublication)
    }

    @Test("members of the wrong form are left out, null is nothing, and only an object with a type is a message")
    func lenient() throws {
        let message = try #require(
            read(
                #"{"type":"subscribed","channel":5,"position":null,"recovered":"yes","id":7,"heartbeat":1.5,"op":"merge","changed":[1]}"#
            ))
        #expect(message.channel == nil)
        #expect(message.position == nil)
        #expect(message.recovered == nil)
        #expect(message.id == "7")
        #expect(message.heartbeat == nil)
        #expect(message.operation == nil)
        #expect(message.changed == nil)
        #expect(!message.isPublication)
        for text in ["", "[]", "{}", #"{"type":1}"#, #"{"type":"a"} x"#, "{"] { #expect(read(text) == nil) }
    }

    @Test("a batch is its messages, and a batch within it is nothing")
    func batch() throws {
        let text =
            #"{"type":"batch","messages":[{"type":"a","channel":"c","position":"1.1-1"},7,{"type":"batch","messages":[]},{"type":"b"}]}"#
        let message = try #require(read(text))
        #expect(message.each.map(\.type) == ["a", "b"])
        #expect(message.each[0].isPublication && string(message.each[1].raw) == #"{"type":"b"}"#)
        #expect(read(#"{"type":"batch","messages":{}}"#)?.each.isEmpty == true)
        #expect(read(#"{"type":"pong"}"#)?.each.map(\.type) == ["pong"])
    }

    @Test("every golden message of the server can be read")
    func golden() throws {
        let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/wire/v1")
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter {
            $0.hasPrefix("server-")
        }
        #expect(names.count > 20)
        for name in names {
            let message = try #require(ReceivedMessage(Array(try Data(contentsOf: directory.appending(path: name)))))
            let isAnswer = name.hasPrefix("server-answer")
            let isChange = ["server-change", "server-signal", "server-message"].contains { name.hasPrefix($0) }
            #expect(message.isPublication == (isAnswer || isChange), "\(name)")
            if isChange { #expect(message.timestamp != nil, "\(name)") }
        }
    }
}
