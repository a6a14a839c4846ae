import DoorbellCore

/// A file of keys: whether it has changed, and its bytes.
struct FileStamp: Hashable, Sendable {
    private let state: FileState

    /// `nil` when there is no such file, or it may not be seen.
    init?(of path: String) {
        guard let state = FileState(of: path) else { return nil }
        self.state = state
    }

    /// A whole file.
    ///
    /// Blocks for as long as the disk takes, so it is not called on an event loop.
    /// - Parameter limit: Bytes; a longer file is an error.
    static func read(_ path: String, limit: Int) throws(KeyError) -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try SystemFile.bytes(of: path, limit: limit)
        } catch {
            throw KeyError("'\(path)' cannot be read: \(error)")
        }
        guard bytes.count <= limit else { throw KeyError("'\(path)' is longer than \(limit) bytes") }
        return bytes
    }
}
