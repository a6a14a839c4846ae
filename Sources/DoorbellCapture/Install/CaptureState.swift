import DoorbellCore

/// How a table is captured now.
struct CaptureState {
    let table: QualifiedName
    /// Why changes of it go unseen; `nil`: they do not.
    var fault: DoorbellError?
    /// What works, but not as well as it could. A sentence each.
    var remarks: [String] = []
}
