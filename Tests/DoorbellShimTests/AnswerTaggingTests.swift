import DoorbellServer
import NIOCore
import NIOHTTP1
import Testing

@testable import DoorbellShim

@Suite struct AnswerTaggingTests {
    private func tagging(_ headers: HTTPHeaders = [:], method: HTTPMethod = .GET) -> AnswerTagging? {
        AnswerTagging(HTTPRequestHead(version: .http1_1, method: method, uri: "/", headers: headers))
    }

    private func head(_ headers: HTTPHeaders = [:], _ status: HTTPResponseStatus = .ok) -> HTTPResponseHead {
        HTTPResponseHead(version: .http1_1, status: status, headers: headers)
    }

    @Test("a short answer gets a tag, and a client that names the tag gets a 304 without a body")
    func tagged() throws {
        var first = try #require(self.tagging())
        let isHeld = first.began(head(["content-length": "11", "content-type": "text/plain"]))
        #expect(isHeld)
        for part in ["hello ", "world"] {
            let released = first.passed(ByteBuffer(string: part))
            #expect(released == nil && first.isHolding)
        }
        let ended = first.ended()
        let whole = try #require(ended)
        #expect(whole.head.status == .ok && whole.body == ByteBuffer(string: "hello world"))
        let tag = try #require(whole.head.headers.first(name: "etag"))
        #expect(tag == "W/\"b94d27b9934d3e08a52e52d7da7dabfa\"", "the first half of the SHA-256 of 'hello world'")
        for named in [tag, String(tag.dropFirst(2)), "\"x\", \(tag)", "*"] {
            var again = try #require(self.tagging(["if-none-match": named]))
            _ = again.began(head(["content-length": "11", "cache-control": "private"]))
            _ = again.passed(ByteBuffer(string: "hello world"))
            let answered = again.ended()
            let unchanged = try #require(answered)
            #expect(unchanged.head.status == .notModified && unchanged.body.readableBytes == 0)
            #expect(unchanged.head.headers["content-length"] == [] && unchanged.head.headers["etag"] == [tag])
            #expect(unchanged.head.headers["cache-control"] == ["private"])
        }
        var changed = try #require(self.tagging(["if-none-match": tag]))
        _ = changed.began(head())
        _ = changed.passed(ByteBuffer(string: "hello worlds"))
        let status = changed.ended()?.head.status
        #expect(status == .ok)
    }

    @Test(
        "answers that are not for this pass as they are",
        arguments: [
            (["etag": "\"1\""], .ok), ([:], .created), ([:], .notModified), (["content-encoding": "gzip"], .ok),
            (["cache-control": "private, no-store"], .ok), (["set-cookie": "a=b"], .ok),
            (["content-length": "9000000"], .ok),
            (["content-type": "text/event-stream"], .ok),
        ] as [(HTTPHeaders, HTTPResponseStatus)])
    func passed(headers: HTTPHeaders, status: HTTPResponseStatus) throws {
        var tagging = try #require(self.tagging())
        let isHeld = tagging.began(head(headers, status))
        let ended = tagging.ended()
        #expect(!isHeld && !tagging.isHolding && ended == nil)
    }

    @Test("a body that turns out to be long is let go whole, and the rest is not held")
    func long() throws {
        var tagging = try #require(self.tagging())
        let isHeld = tagging.began(head())
        #expect(isHeld)
        var released: (head: HTTPResponseHead, body: ByteBuffer)?
        var parts = 0
        while released == nil {
            released = tagging.passed(ByteBuffer(repeating: 7, count: 100_000))
            parts += 1
        }
        #expect(released?.body.readableBytes == parts * 100_000 && released?.head.headers["etag"] == [])
        let ended = tagging.ended()
        #expect(!tagging.isHolding && ended == nil)
    }

    @Test("only plain GETs are tagged") func methods() {
        #expect(
            tagging(method: .HEAD) == nil && tagging(method: .POST) == nil && tagging(["range": "bytes=0-1"]) == nil)
    }
}
