/// Routes as people write them: `/api/users/{user_id}/orders/{order_id}`.
enum RouteTemplate {
    static func text(of node: Int32, in table: RouteTable) -> String {
        var chain: [RouteTable.Node] = []
        var isParameter: [Bool] = []
        var at = node
        while at > 0 {
            let here = table.nodes[Int(at)]
            chain.append(here)
            isParameter.append(here.parent >= 0 && table.nodes[Int(here.parent)].parameter == at)
            at = here.parent
        }
        var text = ""
        var names: Set<String> = []
        var word = ""
        for (part, isValue) in zip(chain.reversed(), isParameter.reversed()) {
            if part.isAction {
                text += part.segment
            } else if isValue {
                let name = unused(part.isDate ? "date" : singular(word), &names)
                text += "/{\(name)}"
            } else {
                word = part.segment
                // Braces stand for values, so those of the log are written as in a URL.
                for character in "/" + part.segment {
                    text += character == "{" ? "%7B" : character == "}" ? "%7D" : String(character)
                }
            }
        }
        return text.isEmpty ? "/" : text
    }

    /// `users` → `user_id`.
    static func singular(_ word: String) -> String {
        var name = ""
        for character in word.lowercased() {
            if character.isASCII, character.isLetter || character.isNumber {
                name.append(character)
            } else if !name.isEmpty, name.last != "_" {
                name.append("_")
            }
        }
        while name.last == "_" { name.removeLast() }
        name = Word.singular(name)
        guard let first = name.first, first.isLetter else { return "id" }
        return name + "_id"
    }

    private static func unused(_ name: String, _ names: inout Set<String>) -> String {
        var candidate = name
        var number = 2
        while !names.insert(candidate).inserted {
            candidate = "\(name)\(number)"
            number += 1
        }
        return candidate
    }
}
