/// How the triggers of a table write its changes.
public enum CaptureMode: String, Sendable, Hashable, CaseIterable {
    /// A trigger for each row: any table, order as written. The default.
    case row
    /// One trigger for each statement, cheaper for tables that are written in bulk. Refused on partitioned and inherited
    /// tables and on tables with AFTER ROW triggers of their own, where nested writes would come out in the wrong order.
    case statement
}
