/// What happened to a row, or to a whole table.
public enum Operation: String, Hashable, Sendable {
    case insert, update, delete, truncate
}
