/// A right file with one feature, `orders`, for tests to spoil.
enum Orders {
    static let poll = "poll: GET /orders/{id}\n"
    static let tables = "tables: [{ name: orders, channel: 'orders:{id}' }]\n"

    /// What is wrong when the feature is written like this; its lines begin in line 5.
    static func problems(_ lines: String) -> [String] {
        DoorbellTests.problems(
            "database: dbname=app\nupstream: http://api\nfeatures:\n  orders:\n"
                + lines.split(separator: "\n").map { "    \($0)\n" }.joined())
    }
}
