import DoorbellCore
import Foundation
import Testing

@testable import Doorbell

@Suite struct LegacyProcessTests {
    @Test("a line of /proc/PID/stat, whatever the program is called")
    func stat() throws {
        let tail = "S 7 1 1 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 1 0 5555 10000 300 18446744073709551615"
        for name in ["app", "a b", "we(ird) name)", ") S 1 2 ("] {
            let stat = try #require(ProcessStat("42 (\(name)) \(tail)\n"))
            #expect(stat.pid == 42 && stat.parent == 7 && stat.ticks == 110)
            #expect(stat.started == 5555 && stat.residentPages == 300)
        }
        for broken in ["", "42", "42 (app)", "42 (app) S 7", "x (app) \(tail)", "42 (app) S seven"] {
            #expect(ProcessStat(broken) == nil, "\(broken)")
        }
    }

    @Test("a process's life: what it used since, and all of it after it began anew")
    func lives() {
        let usage = LegacyProcess.Usage(seconds: 10, memory: nil, life: "1 5")
        #expect(usage.seconds(since: nil) == nil)
        #expect(usage.seconds(since: .init(seconds: 4, memory: nil, life: "1 5")) == 6)
        #expect(usage.seconds(since: .init(seconds: 40, memory: nil, life: "1 5")) == 0)
        #expect(usage.seconds(since: .init(seconds: 4, memory: nil, life: "1 4")) == 10)
    }

    @Test("the processor time of a process with its workers, those that have ended too, agrees with their own clocks")
    func tree() throws {
        // Half a second in the parent, in a worker that ends, and in one that stays: of processor time, however long that takes.
        let program = """
            import os, sys, time
            def burn():
                while time.process_time() < 0.5: pass
            first = os.fork()
            if first == 0:
                burn(); os._exit(0)
            os.waitpid(first, 0)
            ready, done = os.pipe()
            if os.fork() == 0:
                burn(); os.write(done, b'x'); time.sleep(60); os._exit(0)
            os.read(ready, 1)
            burn()
            os.write(1, b'done\\n')
            sys.stdin.read()
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let group = process.processIdentifier
        defer {
            // The worker that sleeps is the process's own child.
            let children = (try? String(contentsOfFile: "/proc/\(group)/task/\(group)/children", encoding: .utf8)) ?? ""
            for child in children.split(separator: " ").compactMap({ pid_t($0) }) { kill(child, SIGKILL) }
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
        }
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "done\n")
        let file = NSTemporaryDirectory() + "doorbell-pid-\(UInt32.random(in: 0 ... .max))"
        try "\(group)\n".write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let usage = try #require(LegacyProcess(place: .pidFile(file)).usage)
        // Three halves, and what starting the interpreter takes.
        #expect(usage.seconds >= 1.4 && usage.seconds < 2.2, "\(usage.seconds)")
        #expect(LegacyProcess(place: .process(group)).usage?.life == usage.life)
        let alone = LegacyProcess.residentBytes(of: group) ?? 0
        #expect(alone > 1 << 20 && (usage.memory ?? 0) > alone, "the sleeping worker is counted")
    }

    @Test("what is not there is nothing, and says where it was looked for")
    func missing() throws {
        #expect(LegacyProcess(place: .process(0)).usage == nil)
        #expect(LegacyProcess(place: .process(.max)).usage == nil)
        let nowhere = LegacyProcess(place: .pidFile("/nowhere/app.pid"))
        #expect(nowhere.usage == nil && nowhere.trouble.contains("/nowhere/app.pid"))
        #expect(LegacyProcess(place: .cgroup("/nowhere")).usage == nil)
    }

    @Test("a control group of version 2")
    func cgroup() throws {
        let folder = NSTemporaryDirectory() + "doorbell-cgroup-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n"
            .write(toFile: folder + "/cpu.stat", atomically: true, encoding: .utf8)
        #expect(LegacyProcess(place: .cgroup(folder)).usage == .init(seconds: 2.5, memory: nil, life: folder))
        try "1048576\n".write(toFile: folder + "/memory.current", atomically: true, encoding: .utf8)
        #expect(LegacyProcess(place: .cgroup(folder)).usage?.memory == 1_048_576)
    }
}
