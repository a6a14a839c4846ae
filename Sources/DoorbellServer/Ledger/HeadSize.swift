public import NIOHTTP1

extension HTTPHeaders {
    /// About how many bytes a head takes on the wire, as HTTP/1.1 writes it.
    ///
    /// - Parameter startLine: Bytes of its first line.
    public func size(startLine: Int) -> Int {
        reduce(startLine + 4) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    }
}

extension HTTPRequestHead {
    /// Bytes. "GET /path HTTP/1.1": the method, the target, and 10 more.
    public var size: Int { headers.size(startLine: method.rawValue.utf8.count + uri.utf8.count + 10) }
}

extension HTTPResponseHead {
    /// Bytes. "HTTP/1.1 200 OK": the reason, and 13 more.
    public var size: Int { headers.size(startLine: 13 + status.reasonPhrase.utf8.count) }
}
