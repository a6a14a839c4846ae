import DoorbellCapture
public import DoorbellCore
import Foundation
import NIOCore
import NIOPosix

/// Everything that `doorbell doctor` looks at, one after the other.
public struct Doctor: Sendable {
    private let configuration: Configuration
    private let probe: PublicProbe?

    /// - Parameter probe: What to look at through the public URL; `nil`: nothing.
    public init(_ configuration: Configuration, probe: PublicProbe? = nil) {
        self.configuration = configuration
        self.probe = probe
    }

    /// - Parameter progress: Told what is looked at next, in few words.
    public func examine(progress: @Sendable (String) -> Void = { _ in }) async -> DoctorReport {
        var report = DoctorReport()
        progress("the database")
        let required = configuration.requiredColumns
        let database = DatabaseExamination(
            conninfo: configuration.database, tables: required.map { (name: $0.table, columns: $0.columns) },
            channels: configuration.publishedChannels, retention: configuration.capture.retention)
        // libpq blocks: not on a thread of the pool that everything else runs on.
        report.findings +=
            (try? await NIOThreadPool.singleton.runIfActive { database.findings(now: SystemClock.now) }) ?? []
        progress("this machine and the legacy API")
        report.findings.append(
            DescriptorExamination.finding(
                connections: configuration.limits.connections, tunnels: configuration.limits.tunnels))
        report.findings.append(await UpstreamExamination.finding(url: configuration.upstream))
        if let probe {
            report.findings += await probe.findings(progress: progress)
        } else {
            report.findings.append(
                .skipped(
                    "public", "nothing was tried from outside",
                    mend: "Name the URL that clients use: --url https://app.example"))
        }
        return report
    }
}
