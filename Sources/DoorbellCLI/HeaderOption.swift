/// `--header 'Name: value'`.
enum HeaderOption {
    /// - Parameter text: With a colon, as `validate` has made sure.
    static func split(_ text: String) -> (String, String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts[1].drop { $0 == " " }.description)
    }
}
