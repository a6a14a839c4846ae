/// The last so many positions, by which messages that come again are known.
struct SeenPositions: Sendable {
    private struct Mark: Hashable {
        let channel: String
        let position: String
    }

    let limit: Int
    private var marks: Set<Mark> = []
    /// In the order in which they came, from `next` on; a ring once it is full.
    private var order: [Mark] = []
    private var next = 0

    init(limit: Int) { self.limit = limit }

    func contains(_ channel: String, _ position: String) -> Bool {
        marks.contains(Mark(channel: channel, position: position))
    }

    mutating func insert(_ channel: String, _ position: String) {
        let mark = Mark(channel: channel, position: position)
        guard marks.insert(mark).inserted else { return }
        if order.count < limit {
            order.append(mark)
        } else {
            marks.remove(order[next])
            order[next] = mark
            next = (next + 1) % limit
        }
    }
}
