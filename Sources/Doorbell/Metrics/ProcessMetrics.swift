import Foundation

/// The metrics that Prometheus' own client libraries give every process, under their standard names, read from `/proc` when they are asked for.
///
/// Source: Prometheus, "Writing client libraries", section "Process metrics". Where there is no `/proc` there are none.
struct ProcessMetrics: Sendable {
    static let help = [
        "process_cpu_seconds_total": "Processor time of this process.",
        "process_max_fds": "File descriptors that this process may open.",
        "process_open_fds": "File descriptors that it has open.",
        "process_resident_memory_bytes": "Memory of this process that is resident.",
        "process_start_time_seconds": "When this process began, in seconds since 1970.",
    ]

    private let folder: String

    init(folder: String = "/proc") { self.folder = folder }

    /// Prometheus text, names in alphabetical order; what cannot be read is left out.
    func exposition() -> String {
        var values: [String: Double] = [:]
        // The name of the program, in parentheses, may contain spaces and parentheses itself.
        let fields = read("self/stat").split(separator: ")").last?.split(separator: " ") ?? []
        let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        if fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]) {
            values["process_cpu_seconds_total"] = (user + system) / ticks
            values["process_resident_memory_bytes"] = Double(fields[21]).map { $0 * Double(max(1, getpagesize())) }
            let boot = read("stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
            if let boot = boot.flatMap({ Double($0.dropFirst(6)) }), let began = Double(fields[19]) {
                values["process_start_time_seconds"] = boot + began / ticks
            }
        }
        let limit = read("self/limits").split(separator: "\n").first { $0.hasPrefix("Max open files") }
        values["process_max_fds"] = limit?.split(separator: " ").dropFirst(3).first.flatMap { Double($0) }
        values["process_open_fds"] = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/self/fd"))
            .map { Double($0.count) }
        return values.sorted { $0.key < $1.key }.map { name, value in
            let kind = name.hasSuffix("_total") ? "counter" : "gauge"
            return
                "# HELP \(name) \(Self.help[name] ?? "")\n# TYPE \(name) \(kind)\n\(name) \(PrometheusNumber.text(value))\n"
        }.joined()
    }

    private func read(_ name: String) -> String {
        (try? String(contentsOfFile: folder + "/" + name, encoding: .utf8)) ?? ""
    }
}
