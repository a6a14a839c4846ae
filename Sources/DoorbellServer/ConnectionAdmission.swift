import DoorbellAuth

/// What becomes of a connection that was just accepted.
enum ConnectionAdmission {
    /// With what has to be given back at its end; `nil`: its address is not counted.
    case admitted(AddressRange?)
    case refused(ConnectionRefusal)
}

/// Why a connection is refused at once; a label of `doorbell_refused_connections_total`.
enum ConnectionRefusal: String, CaseIterable {
    /// There are too many: ``ServerConfiguration/maximumConnections``.
    case connections
    /// Its address has too many: ``AddressLimitConfiguration/connectionsPerAddress``.
    case address
    /// Too many addresses are kept count of: ``AddressLimitConfiguration/maximumAddresses``.
    case addresses
}
