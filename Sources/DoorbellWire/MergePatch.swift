internal import DoorbellCore

/// JSON merge patches (RFC 7386): what turns one JSON text into another, where that is shorter than the other itself.
public enum MergePatch {
    /// Objects within objects that are compared; deeper ones are replaced whole.
    private static let maximumDepth = 32

    /// The patch that makes `new` of `old`: the same values, in whatever order of members.
    ///
    /// - Returns: `nil` where there is none (one of them is no object, or `new` has a `null` where `old` has something else: in a patch, `null`
    ///   removes), where it would not be shorter than `new`, and where either is not JSON or names a member twice.
    public static func between(_ old: [UInt8], _ new: [UInt8]) -> [UInt8]? {
        guard let before = object(old), let after = object(new),
            let patch = difference(before, after, depth: 1)
        else { return nil }
        return patch.count < new.count ? patch : nil
    }

    private struct Member {
        let key: String
        /// JSON text.
        let value: [UInt8]
        var isObject: Bool { value.first == UInt8(ascii: "{") }
        var isNull: Bool { value.first == UInt8(ascii: "n") }
    }

    /// The members of an object; `nil` for anything else, and when a name stands there twice.
    private static func object(_ text: [UInt8]) -> [Member]? {
        var scanner = JSONScanner(text)
        guard scanner.peek() == UInt8(ascii: "{") else { return nil }
        var members: [Member] = []
        var names: Set<[UInt8]> = []
        do throws(JSONError) {
            try scanner.object { key, scanner throws(JSONError) in
                members.append(Member(key: key, value: Array(text[try scanner.skipValue()])))
                // By bytes: two Unicode spellings of one text are two names.
                names.insert(Array(key.utf8))
            }
        } catch {
            return nil
        }
        return scanner.peek() == nil && names.count == members.count ? members : nil
    }

    private static func difference(_ old: [Member], _ new: [Member], depth: Int) -> [UInt8]? {
        var patch = Array("{".utf8)
        func write(_ key: String, _ value: [UInt8]) {
            if patch.count > 1 { patch.append(UInt8(ascii: ",")) }
            JSONWriter.string(key, to: &patch)
            patch.append(UInt8(ascii: ":"))
            patch += value
        }
        var known: [[UInt8]: Member] = [:]
        for member in old { known[Array(member.key.utf8)] = member }
        for member in new {
            guard let before = known.removeValue(forKey: Array(member.key.utf8)) else {
                guard isWritable(member, depth: depth) else { return nil }
                write(member.key, member.value)
                continue
            }
            if before.value == member.value { continue }
            if before.isObject, member.isObject {
                guard depth < maximumDepth, let from = object(before.value), let to = object(member.value),
                    let inner = difference(from, to, depth: depth + 1)
                else { return nil }
                if inner.count > 2 { write(member.key, inner) }
            } else {
                guard isWritable(member, depth: depth) else { return nil }
                write(member.key, member.value)
            }
        }
        // In the order of the old text, so that the same two texts always make the same patch.
        for member in old where known[Array(member.key.utf8)] != nil { write(member.key, Array("null".utf8)) }
        patch.append(UInt8(ascii: "}"))
        return patch
    }

    /// Whether a value comes out of a patch as it goes in: a `null` member of an object would not. Arrays are taken as they are.
    private static func isWritable(_ member: Member, depth: Int) -> Bool {
        if member.isNull { return false }
        guard member.isObject else { return true }
        guard depth < maximumDepth, let members = object(member.value) else { return false }
        return members.allSatisfy { isWritable($0, depth: depth + 1) }
    }
}
