import CZlib
import DoorbellCore
import DoorbellServer
import DoorbellTestSupport
import Foundation
import Testing

/// The client for browsers, as the service serves it.
@Suite struct ClientFileTests {
    private func get(_ raw: RawClient, _ path: String, _ headers: [String] = [], _ method: String = "GET") async throws
        -> HTTPAnswer
    {
        let lines = (["\(method) \(path) HTTP/1.1", "Host: h"] + headers).joined(separator: "\r\n")
        try await raw.send(lines + "\r\n\r\n")
        return try await raw.answer(toHead: method == "HEAD")
    }

    @Test(
        "it is the file of the adapter, byte for byte, with a tag; 304 for whoever has it",
        arguments: ["client.js", "client.classic.js", "more.js"])
    func file(name: String) async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = [UInt8](try Data(contentsOf: root.appending(path: "adapters/browser/served/\(name)")))
        try await withServer([]) { server in
            let raw = try await RawClient(port: server.port)
            let answer = try await get(raw, "/_doorbell/\(name)")
            #expect(answer.status == 200)
            #expect(answer.body == file)
            #expect(answer["content-type"] == "text/javascript; charset=utf-8")
            #expect(answer["cache-control"] == "no-cache")
            #expect(answer["access-control-allow-origin"] == "*")
            let tag = try #require(answer["etag"])
            let again = try await get(raw, "/_doorbell/\(name)", ["If-None-Match: \(tag)"])
            #expect(again.status == 304 && again.body.isEmpty && again["etag"] == tag)
            #expect(try await get(raw, "/_doorbell/\(name)", ["If-None-Match: \"x\", W/\(tag)"]).status == 304)
            #expect(try await get(raw, "/_doorbell/\(name)", ["If-None-Match: \"x\""]).status == 200)
            let head = try await get(raw, "/_doorbell/\(name)", [], "HEAD")
            #expect(head.status == 200 && head.body.isEmpty && head["content-length"] == "\(file.count)")
            #expect(try await get(raw, "/_doorbell/\(name)", ["Content-Length: 0"], "POST").status == 405)
            #expect(server.gateway.forwarded.isEmpty)
        }
    }

    @Test("it is compressed for those who take that, under a tag of its own, and in at most 8 KiB")
    func compressed() async throws {
        try await withServer([]) { server in
            let raw = try await RawClient(port: server.port)
            let plain = try await get(raw, "/_doorbell/client.js")
            for accepted in ["gzip", "br, gzip;q=0.5"] {
                let answer = try await get(raw, "/_doorbell/client.js", ["Accept-Encoding: \(accepted)"])
                #expect(answer["content-encoding"] == "gzip")
                #expect(answer["vary"] == "accept-encoding")
                #expect(answer["etag"] != plain["etag"])
                #expect(answer.body.count <= 8192)
                #expect(inflated(answer.body) == plain.body)
                let tag = try #require(answer["etag"])
                let again = ["Accept-Encoding: gzip", "If-None-Match: \(tag)"]
                #expect(try await get(raw, "/_doorbell/client.js", again).status == 304)
            }
            for accepted in ["gzip;q=0", "identity", "gzip; q=0.0", "xgzip"] {
                let answer = try await get(raw, "/_doorbell/client.js", ["Accept-Encoding: \(accepted)"])
                #expect(answer["content-encoding"] == nil && answer.body == plain.body)
            }
        }
    }

    private func inflated(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        guard inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return [] }
        defer { inflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: 1 << 20)
        input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                _ = inflate(&stream, Z_FINISH)
            }
        }
        return Array(output.prefix(Int(stream.total_out)))
    }
}
