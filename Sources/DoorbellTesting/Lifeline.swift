import Foundation

/// For child processes: a parent holds their standard input open as long as it lives.
public enum Lifeline {
    /// Calls `ended` on a thread of its own when standard input has ended.
    public static func watch(_ ended: @escaping @Sendable () -> Void) {
        Thread.detachNewThread {
            var byte: UInt8 = 0
            while true {
                let count = read(0, &byte, 1)
                if count > 0 || (count < 0 && errno == EINTR) { continue }
                return ended()
            }
        }
    }
}
