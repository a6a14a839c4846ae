import CZlib
import Crypto
import DoorbellBrowser
import NIOHTTP1

/// One file of the client for browsers, ready to be answered: it is hashed and compressed once.
struct ClientFile: Sendable {
    static let all: [String: ClientFile] = Dictionary(
        uniqueKeysWithValues: BrowserFiles.all.map { ("/_doorbell/" + $0.name, ClientFile($0.bytes)) })

    private let bytes: [UInt8]
    private let compressed: [UInt8]?
    /// Strong; of the file itself, compressed or not it has one of its own.
    private let digest: String

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        self.compressed = Self.gzip(bytes)
        self.digest = SHA256.hash(data: bytes).prefix(16).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    /// 200, or 304 where `If-None-Match` names what would be sent.
    func answer(to head: HTTPRequestHead) -> LocalAnswer {
        let takesGzip = head.headers[canonicalForm: "accept-encoding"].contains { coding in
            let parts = coding.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
            return parts.first == "gzip"
                && !parts.dropFirst().contains { $0 == "q=0" || $0.hasPrefix("q=0.0") && Double($0.dropFirst(2)) == 0 }
        }
        let body = takesGzip ? compressed : nil
        let tag = "\"\(digest)\(body == nil ? "" : "-gzip")\""
        var headers: HTTPHeaders = [
            "etag": tag, "vary": "accept-encoding",
            // Asked for again each time, so that a new service brings its own client; 304 most of the time.
            "cache-control": "no-cache", "x-content-type-options": "nosniff",
            // Public, the same for everybody: pages of any origin may load it.
            "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin",
        ]
        let asked = head.headers[canonicalForm: "if-none-match"]
        if asked.contains(where: { $0 == tag[...] || $0 == "W/" + tag || $0 == "*" }) {
            return LocalAnswer(.notModified, headers: headers)
        }
        headers.add(name: "content-type", value: "text/javascript; charset=utf-8")
        if body != nil { headers.add(name: "content-encoding", value: "gzip") }
        return LocalAnswer(.ok, headers: headers, body: body ?? bytes)
    }

    /// RFC 1952. `nil` where zlib has no memory: then it goes out as it is.
    private static func gzip(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        // 15 bits of window, 16 for the gzip format.
        guard
            deflateInit2_(
                &stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)
            ) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
        let end = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                return deflate(&stream, Z_FINISH)
            }
        }
        guard end == Z_STREAM_END else { return nil }
        return Array(output.prefix(Int(stream.total_out)))
    }
}
