/// Words of names, so that `/user-notifications`, `UserNotification` and `user_notifications` are the same. Pure.
enum Word {
    private static let irregular = [
        "people": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse", "feet": "foot",
    ]

    /// Lower case, singular: `RoomMembers`, `room_members` and `room-members` are `room`, `member`.
    static func split(_ name: some StringProtocol) -> [String] {
        var words: [String] = []
        var word = ""
        let characters = Array(name)
        for (index, character) in characters.enumerated() {
            guard character.isLetter || character.isNumber else {
                if !word.isEmpty { words.append(word) }
                word = ""
                continue
            }
            let next = index + 1 < characters.count ? characters[index + 1] : " "
            let previous = index > 0 ? characters[index - 1] : " "
            // roomId, and the last capital of HTTPLog.
            if character.isUppercase, !word.isEmpty, !previous.isUppercase || next.isLowercase {
                words.append(word)
                word = ""
            }
            word += character.lowercased()
        }
        if !word.isEmpty { words.append(word) }
        return words.map(singular)
    }

    /// `notifications` → `notification`, `boxes` → `box`, `status` → `status`.
    static func singular(_ word: String) -> String {
        if let known = irregular[word] { return known }
        if word.hasSuffix("ies"), word.count > 4 { return word.dropLast(3) + "y" }
        if ["sses", "xes", "ches", "shes"].contains(where: { word.hasSuffix($0) }) { return String(word.dropLast(2)) }
        if word.hasSuffix("s"), !["ss", "us", "is"].contains(where: { word.hasSuffix($0) }), word.count > 2 {
            return String(word.dropLast())
        }
        return word
    }
}
