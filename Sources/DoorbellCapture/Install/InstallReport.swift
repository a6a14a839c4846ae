public import DoorbellCore

/// What ``Installer`` did.
public struct InstallReport: Sendable {
    /// The statements that were run, in order.
    public let statements: [String]
    /// The tables whose triggers are now in place.
    public let tables: [QualifiedName]
    /// What a person should know although nothing failed.
    public let remarks: [String]
}
