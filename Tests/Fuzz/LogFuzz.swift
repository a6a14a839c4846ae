/// The entry point that libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    if let fault = LogFuzzCheck.check(Array(UnsafeBufferPointer(start: bytes, count: count))) {
        fatalError("logs: \(fault)")
    }
    return 0
}
