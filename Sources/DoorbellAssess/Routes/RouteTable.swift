/// The routes of a log, learned from its paths: a tree of segments, in which identifiers are one child of their parent, and words become one
/// when there are too many of them or when they prove to be names. Bounded by ``maximumNodes`` and ``maximumEndpoints``.
///
/// What was two routes and turns out to be one is merged: endpoints are numbers in a union-find, so whoever holds one asks ``find(_:)``.
struct RouteTable {
    static let maximumNodes = 20_000
    static let maximumEndpoints = 4096
    /// Different words at one place from which they cannot be parts of routes.
    static let maximumWords = 100
    static let maximumDepth = 16

    struct Node {
        var segment: String
        var parent: Int32
        var words: [String: Int32] = [:]
        /// The child that stands for a value.
        var parameter: Int32 = -1
        var endpoints: [UInt16: Int32] = [:]
        /// Whether words go to ``parameter``, but for those that are in ``words``.
        var isCollapsed = false
        var isName = false
        var isDate = false
        /// An action of a query (`?action=send`) rather than a segment.
        var isAction = false
    }

    private(set) var nodes: [Node] = [Node(segment: "", parent: -1)]
    private(set) var endpoints: [Endpoint] = []
    private var parents: [Int32] = []
    /// The node that an endpoint is at.
    private var places: [Int32] = []
    /// Shapes of targets and their endpoints: a cache of the walk through the tree.
    private var cache: [(shape: UInt64, endpoint: Int32)]
    /// What nothing was found at, and what there was no room for.
    let notFound: Int32 = 0
    let others: Int32 = 1

    init() {
        cache = Array(repeating: (0, -1), count: 1 << 15)
        for _ in 0..<2 { _ = makeEndpoint(.get, at: 0) }
    }

    /// The endpoint of an entry. `target` is asked for only when the route is not known by its shape.
    @inline(__always)
    mutating func endpoint(of entry: LogEntry, target: () -> [UInt8]) -> Int {
        let slot = Int(truncatingIfNeeded: entry.shape) & (cache.count - 1)
        if cache[slot].shape == entry.shape { return Int(find(cache[slot].endpoint)) }
        let isUnknown =
            entry.status >= 400 && entry.status < 500 && ![401, 403, 408, 409, 429, 499].contains(entry.status)
        guard let found = walk(target(), entry, creates: !isUnknown) else { return Int(notFound) }
        cache[slot] = (entry.shape, found)
        return Int(find(found))
    }

    @inline(__always)
    mutating func count(_ entry: LogEntry, at endpoint: Int, second: UInt32, target: () -> [UInt8]) {
        endpoints[endpoint].count(entry, second: second)
        if entry.queryNames != 0, endpoints[endpoint].query.isNew(entry.queryNames) {
            endpoints[endpoint].query.add(target(), names: entry.queryNames)
        }
    }

    /// Counts a track that is over, at its endpoint.
    mutating func judge(_ track: Track) { endpoints[Int(find(track.endpoint))].judge(track) }

    mutating func find(_ endpoint: Int32) -> Int32 {
        var root = endpoint
        while parents[Int(root)] != root { root = parents[Int(root)] }
        var at = endpoint
        while parents[Int(at)] != root { (at, parents[Int(at)]) = (parents[Int(at)], root) }
        return root
    }

    /// Endpoints that are not merged into others, with the path that they are at.
    var all: [(index: Int, template: String)] {
        endpoints.indices.filter { parents[$0] == Int32($0) && endpoints[$0].requests > 0 }.map { index in
            (
                index,
                index == 0 ? "(not found)" : index == 1 ? "(others)" : RouteTemplate.text(of: places[index], in: self)
            )
        }
    }

    // MARK: Walking

    private mutating func walk(_ target: [UInt8], _ entry: LogEntry, creates: Bool) -> Int32? {
        let path = target.prefix { $0 != 0x3F && $0 != 0x23 && $0 != 0x3B }
        var node = 0
        var depth = 0
        for segment in path.split(separator: 0x2F) {
            depth += 1
            if depth > Self.maximumDepth { break }
            let isEnd = segment.endIndex == path.endIndex
            guard let child = child(of: node, segment: Array(segment), isEnd: isEnd, creates: creates) else {
                return nil
            }
            node = child
        }
        if let action = Self.action(target) {
            guard let child = word("?" + action, of: node, creates: creates, isAction: true) else { return nil }
            node = child
        }
        let method = UInt16(entry.method.rawValue)
        if let endpoint = nodes[node].endpoints[method] { return endpoint }
        guard creates else { return nil }
        guard endpoints.count < Self.maximumEndpoints else { return others }
        let endpoint = makeEndpoint(entry.method, at: Int32(node))
        endpoints[Int(endpoint)].kind = entry.kind
        nodes[node].endpoints[method] = endpoint
        return endpoint
    }

    private mutating func child(of node: Int, segment: [UInt8], isEnd: Bool, creates: Bool) -> Int? {
        let (looks, ending): (SegmentClass, String?) = segment.withUnsafeBytes { bytes in
            if isEnd, FileEnding(bytes) != nil, let dot = bytes.lastIndex(of: 0x2E) {
                return (.file, String(decoding: bytes[dot...], as: UTF8.self))
            }
            return (SegmentClass(bytes), nil)
        }
        if let ending { return word("*" + ending, of: node, creates: creates) }
        if looks.isParameter { return parameter(of: node, isDate: looks == .date, creates: creates) }
        let text = String(decoding: segment.prefix(128), as: UTF8.self)
        guard let child = word(text, of: node, creates: creates) else { return nil }
        if looks == .name { nodes[child].isName = true }
        return child
    }

    private mutating func parameter(of node: Int, isDate: Bool, creates: Bool) -> Int? {
        if nodes[node].parameter >= 0 { return Int(nodes[node].parameter) }
        guard creates, nodes.count < 2 * Self.maximumNodes else { return nil }
        nodes.append(Node(segment: "", parent: Int32(node)))
        nodes[nodes.count - 1].isDate = isDate
        nodes[node].parameter = Int32(nodes.count - 1)
        return nodes.count - 1
    }

    private mutating func word(_ text: String, of node: Int, creates: Bool, isAction: Bool = false) -> Int? {
        if let child = nodes[node].words[text] { return Int(child) }
        if nodes[node].isCollapsed { return parameter(of: node, isDate: false, creates: creates) }
        guard creates else { return nil }
        let isFull = nodes.count >= Self.maximumNodes
        if isFull || nodes[node].words.count >= Self.maximumWords {
            collapseMany(node)
            return parameter(of: node, isDate: false, creates: true)
        }
        nodes.append(Node(segment: text, parent: Int32(node)))
        nodes[nodes.count - 1].isAction = isAction
        nodes[node].words[text] = Int32(nodes.count - 1)
        return nodes.count - 1
    }

    /// The word of `?action=word`.
    private static func action(_ target: [UInt8]) -> String? {
        guard let mark = target.firstIndex(of: 0x3F) else { return nil }
        for pair in target[(mark + 1)...].split(separator: 0x26) {
            let sides = pair.split(separator: 0x3D, maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2 else { continue }
            let isAction = Array(sides[0]).withUnsafeBytes { TargetReader.isActionKey($0) }
            if isAction, Array(sides[1]).withUnsafeBytes({ TargetReader.isWord($0) }) {
                return String(decoding: pair, as: UTF8.self)
            }
        }
        return nil
    }

    private mutating func makeEndpoint(_ method: LogMethod, at node: Int32) -> Int32 {
        endpoints.append(Endpoint(method: method))
        parents.append(Int32(endpoints.count - 1))
        places.append(node)
        return Int32(endpoints.count - 1)
    }
}

// MARK: Merging

extension RouteTable {
    /// There are too many words at one place: all become values, but for those that are asked for far more than others (`/users/me`).
    private mutating func collapseMany(_ node: Int) {
        nodes[node].isCollapsed = true
        let weights = nodes[node].words.mapValues { requests(below: Int($0)) }
        let total = weights.values.reduce(0, +)
        let count = weights.count
        let merged = nodes[node].words.filter { word, child in
            let weight = weights[word] ?? 0
            let isOutstanding = weight * 10 >= total && weight * count >= 10 * total
            return !word.hasPrefix("*.") && !nodes[Int(child)].isAction && !isOutstanding
        }
        collapse(merged.keys.sorted(), of: node)
    }

    /// Looks at the whole tree again with all that is known: words that prove to be names become values.
    mutating func settle() {
        var pending = [0]
        while let node = pending.popLast() {
            let merged = provenNames(of: node)
            if !merged.isEmpty { collapse(merged, of: node) }
            pending += nodes[node].words.values.map(Int.init)
            if nodes[node].parameter >= 0 { pending.append(Int(nodes[node].parameter)) }
        }
    }

    private mutating func provenNames(of node: Int) -> [String] {
        let words = nodes[node].words.filter { !$0.key.hasPrefix("*.") && !nodes[Int($0.value)].isAction }
        // They look like names: product-of-the-year, user123.
        let names = words.filter { nodes[Int($0.value)].isName }.keys
        let isBeside = nodes[node].parameter >= 0
        var proven = names.count >= 4 || (isBeside && names.count >= 2) ? Set(names) : []
        // Each is asked for by one client only, and again and again: they are names of clients.
        var own: [String] = []
        var all = DistinctCounter()
        for (word, child) in words {
            let seen = clients(below: Int(child))
            if seen.estimate <= 1, requests(below: Int(child)) >= 5 {
                own.append(word)
                all.merge(seen)
            }
        }
        if own.count >= 8, all.estimate * 10 >= own.count * 7 { proven.formUnion(own) }
        // Many with the same words below them: /alice/posts, /bob/posts.
        if words.count >= 20 {
            var below: [String: Int] = [:]
            for child in words.values { for word in nodes[Int(child)].words.keys { below[word, default: 0] += 1 } }
            if let most = below.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }), most.value * 5 >= words.count * 4
            {
                proven.formUnion(words.filter { nodes[Int($0.value)].words[most.key] != nil }.keys)
            }
        }
        return proven.sorted()
    }

    private func requests(below node: Int) -> Int {
        var sum = 0
        visit(node) { sum += endpoints[$0].requests }
        return sum
    }

    private func clients(below node: Int) -> DistinctCounter {
        var counter = DistinctCounter()
        visit(node) { counter.merge(endpoints[$0].clients) }
        return counter
    }

    private func visit(_ node: Int, _ body: (Int) -> Void) {
        var pending = [node]
        while let node = pending.popLast() {
            for endpoint in nodes[node].endpoints.values { body(Int(root(endpoint))) }
            pending += nodes[node].words.values.map(Int.init)
            if nodes[node].parameter >= 0 { pending.append(Int(nodes[node].parameter)) }
        }
    }

    private func root(_ endpoint: Int32) -> Int32 {
        var root = endpoint
        while parents[Int(root)] != root { root = parents[Int(root)] }
        return root
    }

    /// Makes these words of a node one value.
    private mutating func collapse(_ words: [String], of node: Int) {
        guard !words.isEmpty, let target = parameter(of: node, isDate: false, creates: true) else { return }
        for word in words {
            guard let child = nodes[node].words.removeValue(forKey: word) else { continue }
            merge(Int(child), into: target)
        }
    }

    /// Moves what is at and below one node to another.
    private mutating func merge(_ from: Int, into to: Int) {
        var pending = [(from, to)]
        while let (from, to) = pending.popLast() {
            for (method, endpoint) in nodes[from].endpoints {
                if let other = nodes[to].endpoints[method] {
                    unite(endpoint, into: other)
                } else {
                    nodes[to].endpoints[method] = endpoint
                    places[Int(root(endpoint))] = Int32(to)
                }
            }
            for (word, child) in nodes[from].words {
                if let other = nodes[to].words[word] {
                    pending.append((Int(child), Int(other)))
                } else if nodes[to].isCollapsed, let other = parameter(of: to, isDate: false, creates: true) {
                    pending.append((Int(child), other))
                } else {
                    nodes[to].words[word] = child
                    reparent(child, to: to)
                }
            }
            if nodes[from].parameter >= 0 {
                if nodes[to].parameter >= 0 {
                    pending.append((Int(nodes[from].parameter), Int(nodes[to].parameter)))
                } else {
                    nodes[to].parameter = nodes[from].parameter
                    reparent(nodes[from].parameter, to: to)
                }
            }
            if nodes[from].isCollapsed { nodes[to].isCollapsed = true }
            nodes[from].endpoints = [:]
            nodes[from].words = [:]
            nodes[from].parameter = -1
        }
    }

    private mutating func reparent(_ child: Int32, to node: Int) {
        nodes[Int(child)].parent = Int32(node)
    }

    private mutating func unite(_ endpoint: Int32, into other: Int32) {
        let from = find(endpoint)
        let to = find(other)
        guard from != to else { return }
        endpoints[Int(to)].merge(endpoints[Int(from)])
        endpoints[Int(from)] = Endpoint(method: endpoints[Int(from)].method)
        parents[Int(from)] = to
    }
}
