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

    /// - Parameters:
    ///   - progress: Told what is looked at next, in few words.
    ///   - found: Told what was found, part by part: silence is watched for a minute, and the rest is known at once.
    public func examine(
        progress: @Sendable (String) -> Void = { _ in }, found: @Sendable ([Finding]) -> Void = { _ in }
    ) async -> DoctorReport {
        var report = DoctorReport()
        func add(_ findings: [Finding]) {
            report.findings += findings
            found(findings)
        }
        progress("the database")
        let required = configuration.requiredColumns
        let database = DatabaseExamination(
            conninfo: configuration.database, tables: required.map { (name: $0.table, columns: $0.columns) },
            channels: configuration.publishedChannels, retention: configuration.capture.retention)
        // libpq blocks: not on a thread of the pool that everything else runs on.
        add((try? await NIOThreadPool.singleton.runIfActive { database.findings(now: SystemClock.now) }) ?? [])
        progress("this machine and the legacy API")
        let descriptors = DescriptorExamination.finding(
            connections: configuration.limits.connections, tunnels: configuration.limits.tunnels)
        add([descriptors, await UpstreamExamination.finding(url: configuration.upstream)])
        if let probe {
            add(await probe.findings(progress: progress))
        } else {
            add([
                .skipped(
                    "public", "nothing was tried from outside",
                    mend: "Name the URL that clients use: --url https://app.example")
            ])
        }
        return report
    }
}
