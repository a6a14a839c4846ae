/// Why the iteration of a feed ended with an error.
public enum FeedError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not an `http` or `https` URL with a host.
    case invalidURL(String)
    /// Changes or messages came faster than they were taken, and this many had waited already: what follows is lost to this
    /// iteration. Begin a new one, and take the state.
    case tooSlow(limit: Int)

    public var description: String {
        switch self {
        case .invalidURL(let url): "'\(url)' is not an http or https URL"
        case .tooSlow(let limit):
            "more than \(limit) changes waited to be taken: iterate faster, or take the states only"
        }
    }
}
