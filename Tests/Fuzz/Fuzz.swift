import Glibc

/// The entry point that libFuzzer calls with each input. `DOORBELL_FUZZ` names the check.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    if let fault = chosen.check(Array(UnsafeBufferPointer(start: bytes, count: count))) {
        fatalError("\(chosen.rawValue): \(fault)")
    }
    return 0
}

private let chosen: FuzzChecks = {
    let name = getenv("DOORBELL_FUZZ").map { String(cString: $0) } ?? ""
    guard let checks = FuzzChecks(rawValue: name) else {
        fatalError("DOORBELL_FUZZ must be one of \(FuzzChecks.allCases.map(\.rawValue))")
    }
    return checks
}()
