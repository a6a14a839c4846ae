import Foundation

extension SimulationReport.Machine {
    /// This one.
    static func current(database: String) -> Self {
        let lines = ((try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "").split(separator: "\n")
        let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last ?? ""
        var names = utsname()
        uname(&names)
        return Self(
            cores: ProcessInfo.processInfo.activeProcessorCount,
            processor: model.trimmingCharacters(in: .whitespaces),
            kernel: "\(text(&names.sysname)) \(text(&names.release))", database: database)
    }

    /// Of a C array that ends with a 0.
    private static func text<Array>(_ array: inout Array) -> String {
        withUnsafeBytes(of: &array) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
