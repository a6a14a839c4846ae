import DoorbellCore
import DoorbellWire

/// Writes what a client sends.
enum ClientRequest {
    static func subscribe(
        to target: ClientMessage.Target, since: String?, versions: [SchemaVersion], client: String? = nil, id: String?
    ) -> [UInt8] {
        var json = Array(#"{"type":"subscribe","#.utf8)
        switch target {
        case .channel(let channel): member("channel", channel, &json)
        case .poll(let poll): member("poll", poll, &json)
        }
        if let since {
            json.append(0x2C)
            member("since", since, &json)
        }
        if !versions.isEmpty {
            json += Array(#","version":"#.utf8)
            json += Array(
                (versions.count == 1 ? "\(versions[0])" : "[\(versions.map(\.description).joined(separator: ","))]")
                    .utf8)
        }
        if let client {
            json.append(0x2C)
            member("client", client, &json)
        }
        return end(id, json)
    }

    static func publish(channel: String, data: [UInt8], id: String?) -> [UInt8] {
        var json = Array(#"{"type":"publish","#.utf8)
        member("channel", channel, &json)
        json += Array(#","data":"#.utf8)
        json += data
        return end(id, json)
    }

    static func acknowledge(channel: String, position: String) -> [UInt8] {
        var json = Array(#"{"type":"ack","#.utf8)
        member("channel", channel, &json)
        json.append(0x2C)
        member("position", position, &json)
        return end(nil, json)
    }

    static func unsubscribe(channel: String, id: String?) -> [UInt8] {
        var json = Array(#"{"type":"unsubscribe","#.utf8)
        member("channel", channel, &json)
        return end(id, json)
    }

    private static func member(_ name: String, _ value: String, _ json: inout [UInt8]) {
        JSONWriter.string(name, to: &json)
        json.append(0x3A)
        JSONWriter.string(value, to: &json)
    }

    private static func end(_ id: String?, _ json: [UInt8]) -> [UInt8] {
        var json = json
        if let id {
            json.append(0x2C)
            member("id", id, &json)
        }
        json.append(0x7D)
        return json
    }
}
