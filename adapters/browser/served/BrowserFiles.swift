/// The client for browsers, as the service serves it: the very files of this folder, in the program.
public enum BrowserFiles {
    public struct File: Sendable {
        /// As in `/_doorbell/client.js`.
        public let name: String
        public let bytes: [UInt8]
    }

    public static let all = [
        File(name: "client.js", bytes: PackageResources.client_js),
        File(name: "client.classic.js", bytes: PackageResources.client_classic_js),
        File(name: "more.js", bytes: PackageResources.more_js),
    ]
}
