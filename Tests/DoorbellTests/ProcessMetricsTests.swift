import Foundation
import Testing

@testable import Doorbell

@Suite struct ProcessMetricsTests {
    @Test("the standard figures of a process, from /proc, whatever the program is called")
    func figures() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(
            at: folder.appending(path: "self/fd"), withIntermediateDirectories: true)
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        // 14 and 15: processor time in ticks; 22: when it began; 24: pages.
        try write(
            "self/stat", "7 (a) b (c)) S 1 7 7 0 -1 4 100 0 0 0 150 50 0 0 20 0 4 0 2000 9999 10 18446744073709551615\n"
        )
        try write("stat", "cpu 1 2 3\nbtime 1700000000\n")
        try write(
            "self/limits",
            "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 20000                files\n"
        )
        for number in 0..<3 { try write("self/fd/\(number)", "") }
        let text = ProcessMetrics(folder: folder.path).exposition()
        let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(
            samples == [
                "process_cpu_seconds_total 2", "process_max_fds 1024", "process_open_fds 3",
                "process_resident_memory_bytes \(10 * getpagesize())", "process_start_time_seconds 1700000020",
            ])
        #expect(text.contains("# TYPE process_cpu_seconds_total counter\n"))
    }

    @Test(
        "what cannot be read is left out",
        arguments: ["", "7 (x) S", "7", ")", "7 (x) S a b c d e f g h i j k l m n o p q r s t u v"])
    func broken(stat: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder.appending(path: "self"), withIntermediateDirectories: true)
        try Data(stat.utf8).write(to: folder.appending(path: "self/stat"))
        try Data("Max open files".utf8).write(to: folder.appending(path: "self/limits"))
        #expect(ProcessMetrics(folder: folder.path).exposition() == "")
    }

    @Test("this very process has figures")
    func own() {
        let text = ProcessMetrics().exposition()
        for name in ProcessMetrics.help.keys { #expect(text.contains("\n\(name) ")) }
    }
}
