import DoorbellTesting
import Foundation

/// The same on a disk whose flush takes a millisecond longer, as most networked ones do: the server runs with a library
/// before the system's own that waits after each flush. It is compiled on the spot.
struct SlowFlush {
    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <time.h>
        static void wait_a_millisecond(void) {
            struct timespec rest = { 0, 1000000 };
            while (nanosleep(&rest, &rest) == -1) {}
        }
        int fdatasync(int file) {
            static int (*real)(int);
            if (!real) real = (int (*)(int)) dlsym(RTLD_NEXT, "fdatasync");
            int status = real(file);
            wait_a_millisecond();
            return status;
        }
        int fsync(int file) {
            static int (*real)(int);
            if (!real) real = (int (*)(int)) dlsym(RTLD_NEXT, "fsync");
            int status = real(file);
            wait_a_millisecond();
            return status;
        }

        """

    private let plan: BenchPlan

    init(_ plan: BenchPlan) { self.plan = plan }

    func measure(into report: inout Report) async throws {
        #if os(Linux)
        let folder = NSTemporaryDirectory() + "doorbell-bench-flush-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // The server may be another user's.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
        guard let library = try compile(in: folder) else {
            return report.say("flush: not measured: there is no C compiler (cc) for the slow flush")
        }
        setenv("LD_PRELOAD", library, 1)
        defer { unsetenv("LD_PRELOAD") }
        let cluster = try ScratchPostgres(settings: Workbench.settings, durable: true)
        defer { cluster.remove() }
        // Only the server's flushes are slow; the service and the clients do not inherit it.
        unsetenv("LD_PRELOAD")
        let comparison = try await WriteComparison(Workbench(cluster: cluster, plan: plan))
        defer { comparison.stop() }
        var table = Table("The same with each flush 1 ms slower", WriteComparison.header)
        for (clients, gain) in [(8, nil), (32, 6)] as [(Int, Double?)] {
            let outcome = try await comparison.run(section: "flush", clients: clients)
            WriteComparison.add(
                outcome, section: "flush", clients: clients, share: nil, gain: gain, to: &table, &report)
        }
        report.show(table)
        #else
        report.say("flush: measured on Linux only")
        #endif
    }

    /// The library's path; `nil` without a compiler.
    private func compile(in folder: String) throws -> String? {
        let (source, library) = (folder + "/flush.c", folder + "/flush.so")
        try Self.source.write(toFile: source, atomically: false, encoding: .utf8)
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = ["cc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"]
        compiler.standardError = FileHandle.nullDevice
        try compiler.run()
        compiler.waitUntilExit()
        return compiler.terminationStatus == 0 ? library : nil
    }
}
