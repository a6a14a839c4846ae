import CoreMetrics
import Dispatch
public import DoorbellCore
public import Logging

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The file, or standard output, that every request is written to once it is over.
///
/// Event loops only add to a buffer. A queue of its own writes it out ten times a second while there is something, so a slow disk holds
/// nobody up: when ``capacity`` bytes wait, further lines are dropped and counted (`doorbell_access_log_dropped_total`).
///
/// The file is opened anew when its name stands for another one than before, or for none, which is looked at before each write: after
/// `logrotate` has moved it nothing needs to be told.
public final class AccessLog: Sendable {
    /// Stands for standard output in the place of a path.
    public static let standardOutput = "-"
    /// Bytes that may wait to be written. 4 MiB, some 25,000 lines.
    static let capacity = 4 << 20
    private static let pause = DispatchTimeInterval.milliseconds(100)
    /// Between two complaints about a file that cannot be written.
    private static let silence: Int64 = 60_000_000

    private struct State {
        var waiting: [UInt8] = []
        /// A write is due or going on.
        var isDue = false
        var isClosed = false
    }

    /// Of the queue alone.
    private struct Output {
        var descriptor: Int32
        var complainedAt: Int64?
    }

    private let path: String
    private let capacity: Int
    private let logger: Logger
    private let queue = DispatchQueue(label: "doorbell.access-log")
    private let state = Locked(State())
    private let output: Locked<Output>
    private let dropped: Counter

    /// - Parameter path: A file that is added to, or ``standardOutput``.
    /// - Throws: ``DoorbellError`` with code `system` when it cannot be opened.
    public convenience init(path: String, logger: Logger) throws(DoorbellError) {
        try self.init(path: path, logger: logger, capacity: Self.capacity, factory: MetricsSystem.factory)
    }

    init(path: String, logger: Logger, capacity: Int, factory: any MetricsFactory) throws(DoorbellError) {
        self.path = path
        self.capacity = capacity
        self.logger = logger
        dropped = Counter(label: "doorbell_access_log_dropped_total", factory: factory)
        let descriptor = Self.open(path)
        guard descriptor >= 0 else {
            throw DoorbellError(
                .system, "cannot write the access log '\(path)': \(Self.reason(errno))",
                hint: "Its folder must exist, and whoever runs the service must be allowed to write there.")
        }
        output = Locked(Output(descriptor: descriptor))
    }

    deinit { output.withLock { if path != Self.standardOutput { _ = closeFile($0.descriptor) } } }

    /// Any thread. Never waits for the file.
    func note(_ line: [UInt8]) {
        let (isKept, isFirst) = state.withLock { state -> (Bool, Bool) in
            guard !state.isClosed, state.waiting.count + line.count <= capacity else { return (false, false) }
            state.waiting += line
            defer { state.isDue = true }
            return (true, !state.isDue)
        }
        if !isKept { dropped.increment() }
        if isFirst { queue.asyncAfter(deadline: .now() + Self.pause) { [self] in writeOut() } }
    }

    /// Writes what waits; what comes after it is dropped.
    public func close() {
        state.withLock { $0.isClosed = true }
        queue.sync { writeOut() }
    }

    private func writeOut() {
        let bytes = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        if !bytes.isEmpty { output.withLock { write(bytes, to: &$0) } }
        let isMore = state.withLock { state in
            state.isDue = !state.waiting.isEmpty
            return state.isDue
        }
        if isMore { queue.asyncAfter(deadline: .now() + Self.pause) { [self] in writeOut() } }
    }

    private func write(_ bytes: [UInt8], to output: inout Output) {
        reopenIfMoved(&output)
        var rest = bytes[...]
        while !rest.isEmpty {
            switch rest.withUnsafeBytes({ SystemFile.write(output.descriptor, $0) }) {
            case .success(let count): rest = rest.dropFirst(count)
            case .failure(let failure):
                dropped.increment(by: rest.count { $0 == 0x0A })
                return complain("cannot be written: \(failure)", &output)
            }
        }
    }

    private func reopenIfMoved(_ output: inout Output) {
        guard path != Self.standardOutput else { return }
        var (open, named) = (stat(), stat())
        guard fstat(output.descriptor, &open) == 0 else { return }
        if stat(path, &named) == 0, open.st_dev == named.st_dev, open.st_ino == named.st_ino { return }
        let descriptor = Self.open(path)
        // Better in the file that was moved than nowhere.
        guard descriptor >= 0 else { return complain("cannot be opened anew: \(Self.reason(errno))", &output) }
        _ = closeFile(output.descriptor)
        output.descriptor = descriptor
    }

    private func complain(_ what: String, _ output: inout Output) {
        let now = Int64(DispatchTime.now().uptimeNanoseconds / 1000)
        if let last = output.complainedAt, now - last < Self.silence { return }
        output.complainedAt = now
        logger.warning("The access log \(what)", metadata: ["doorbell.file": "\(path)"])
    }

    private static func open(_ path: String) -> Int32 {
        path == standardOutput
            ? STDOUT_FILENO : openFile(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
    }

    private static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
}

// Under names that the methods above do not have.
private func openFile(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }
private func closeFile(_ descriptor: Int32) -> Int32 { close(descriptor) }
