import DoorbellCore
import DoorbellWire

extension ClientMessage.Since {
    /// As headers and queries write it. `nil` for `latest`.
    init?(text: String) {
        switch text {
        case "latest": return nil
        case "earliest": self = .earliest
        default: self = Position(text).map { .position($0) } ?? .unrecognised
        }
    }
}
