import DoorbellCore
import Foundation

/// A file that a command writes, and does not replace unless it is told to.
struct OutputFile {
    let path: String
    let force: Bool

    /// - Throws: ``DoorbellError`` when the file exists, or its folder cannot be written to.
    func check() throws(DoorbellError) {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
            guard !isDirectory.boolValue else { throw DoorbellError(.usage, "\(path) is a directory") }
            guard force else {
                throw DoorbellError(.usage, "\(path) exists and is not replaced", hint: "give another name, or --force")
            }
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard FileManager.default.isWritableFile(atPath: folder) else {
            throw DoorbellError(
                .system, "\(path) cannot be written: there is no folder \(folder), or no right to write in it")
        }
    }

    func write(_ text: String) throws(DoorbellError) {
        try check()
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw DoorbellError(.system, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}
