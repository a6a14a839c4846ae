import ArgumentParser
import DoorbellCore
import Foundation

/// A file that a command writes, and does not replace unless it is told to. `-` is standard output; pipes and devices are written into.
struct OutputFile {
    let path: String
    let force: Bool

    var isStandardOutput: Bool { Self.isStandardOutput(path) }

    static func isStandardOutput(_ path: String?) -> Bool { path == "-" }

    /// - Parameter option: Such as `--html`.
    static func validate(_ path: String?, option: String) throws {
        if path?.isEmpty == true { throw ValidationError("\(option) needs the name of a file, or '-'") }
    }

    private enum Kind { case none, regular, folder, other }

    private var kind: Kind {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return .none }
        guard !isDirectory.boolValue else { return .folder }
        // What links of /proc lead to, such as a pipe, has no path.
        let type = try? FileManager.default.attributesOfItem(atPath: file.path)[.type] as? FileAttributeType
        return type == .typeRegular ? .regular : .other
    }

    /// A link goes on pointing to what it points to.
    private var file: URL { URL(fileURLWithPath: path).resolvingSymlinksInPath() }

    /// - Throws: ``DoorbellError`` when the file exists, or its folder cannot be written to.
    func check() throws(DoorbellError) {
        guard !isStandardOutput else { return }
        switch kind {
        case .other: return
        case .folder: throw DoorbellError(.usage, "\(path) is a directory")
        case .regular where !force:
            throw DoorbellError(.usage, "\(path) exists and is not replaced", hint: "Give another name, or --force.")
        case .none, .regular: break
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard FileManager.default.isWritableFile(atPath: folder) else {
            throw DoorbellError(
                .system, "\(path) cannot be written: there is no folder \(folder), or no right to write in it")
        }
    }

    func write(_ text: String) throws(DoorbellError) {
        guard !isStandardOutput else { return Terminal.print(text, terminator: "") }
        try check()
        do {
            if kind == .other {
                try writeInto(text)
            } else {
                // Whole or not at all.
                try Data(text.utf8).write(to: file, options: .atomic)
            }
        } catch let error as FileFailure {
            throw DoorbellError(.system, "\(path) cannot be written: \(error)")
        } catch {
            throw DoorbellError(.system, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }

    private func writeInto(_ text: String) throws {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(number: errno) }
        defer { close(descriptor) }
        try FileOutput(descriptor: descriptor).write(text)
    }
}
