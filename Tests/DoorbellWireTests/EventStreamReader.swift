/// Reads a `text/event-stream` as a browser does (WHATWG HTML, section 9.2.6).
struct EventStreamReader {
    struct Event: Equatable {
        var type: String
        var data: String
        var lastEventID: String
    }

    private(set) var events: [Event] = []
    /// Milliseconds.
    private(set) var retry: Int?
    private(set) var lastEventID = ""
    /// Lines with a name that is none.
    private(set) var strays = 0

    init(_ stream: [UInt8]) {
        let text = String(decoding: stream, as: UTF8.self)
        var type = ""
        var data = ""
        for line in text.replacing("\r\n", with: "\n").replacing("\r", with: "\n").split(
            separator: "\n", omittingEmptySubsequences: false
        ) {
            if line.isEmpty {
                if !data.isEmpty {
                    events.append(
                        Event(
                            type: type.isEmpty ? "message" : type, data: String(data.dropLast()),
                            lastEventID: lastEventID))
                }
                (type, data) = ("", "")
                continue
            }
            if line.first == ":" { continue }
            let name = line.prefix { $0 != ":" }
            var value = line.dropFirst(name.count + 1)
            if value.first == " " { value.removeFirst() }
            switch name {
            case "event": type = String(value)
            case "data": data += value + "\n"
            case "id" where !value.contains("\0"): lastEventID = String(value)
            case "retry": retry = Int(value)
            default: strays += 1
            }
        }
    }
}
