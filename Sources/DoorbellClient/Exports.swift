// Whoever imports the client sees what its messages are made of (operations, positions), too: `DoorbellCore` is no product, so it could not be imported.
@_exported public import DoorbellCore
