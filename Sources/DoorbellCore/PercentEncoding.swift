/// Percent-encoding (RFC 3986, section 2.1) over UTF-8 bytes.
public enum PercentEncoding {
    /// Appends `value`, escaping every byte for which `keep` is false.
    public static func encode(_ value: String, into text: inout String, keeping keep: (UInt8) -> Bool) {
        // Nearly every value is a number or a word.
        if value.utf8.allSatisfy(keep) {
            text += value
            return
        }
        var bytes: [UInt8] = []
        encode(value, into: &bytes, keeping: keep)
        text += String(decoding: bytes, as: UTF8.self)
    }

    /// Appends `value`, escaping every byte for which `keep` is false.
    public static func encode(_ value: String, into bytes: inout [UInt8], keeping keep: (UInt8) -> Bool) {
        for byte in value.utf8 {
            if keep(byte) {
                bytes.append(byte)
            } else {
                bytes.append(0x25)
                for nibble in [byte >> 4, byte & 15] { bytes.append(nibble < 10 ? nibble + 0x30 : nibble + 0x37) }
            }
        }
    }

    /// The decoded text; `nil` for a broken escape or bytes that are not UTF-8.
    public static func decode(_ bytes: some Collection<UInt8>) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            guard byte == 0x25 else {
                decoded.append(byte)
                continue
            }
            guard let high = iterator.next().flatMap(HexDigit.value), let low = iterator.next().flatMap(HexDigit.value)
            else {
                return nil
            }
            decoded.append(high << 4 | low)
        }
        return String(validating: decoded, as: UTF8.self)
    }
}
