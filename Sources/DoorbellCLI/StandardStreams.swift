import Foundation

/// The descriptors 0, 1 and 2, which programs may be started without.
enum StandardStreams {
    /// Takes the places of those that are closed, with something that can neither be read nor written: otherwise the next socket gets the number,
    /// and what is printed goes to the database.
    static func hold() {
        for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) == -1 {
            // Open gives the lowest number that is free.
            _ = open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
        }
    }
}
