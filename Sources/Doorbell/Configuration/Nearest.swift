/// The word that was probably meant.
enum Nearest {
    /// The candidate fewest typing mistakes away from `word`, if that is few enough for a word of its length.
    static func word(to word: String, among candidates: [String]) -> String? {
        let allowed = max(1, word.count / 3)
        return candidates.map { (word: $0, distance: distance(word.lowercased(), $0.lowercased())) }
            .filter { $0.distance <= allowed && $0.distance < $0.word.count }
            .min { $0.distance < $1.distance }?.word
    }

    static func suggestion(for word: String, among candidates: [String]) -> String? {
        Self.word(to: word, among: candidates).map { "did you mean '\($0)'?" }
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a)
        let b = Array(b)
        var before: [Int] = []
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, before[j - 1] + 1) }
                row.append(best)
            }
            before = last
            last = row
        }
        return last[b.count]
    }
}
