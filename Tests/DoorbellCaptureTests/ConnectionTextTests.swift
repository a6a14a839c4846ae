import Testing

@testable import DoorbellCapture

@Suite struct ConnectionTextTests {
    @Test(arguments: [
        "postgresql://app:secret@127.0.0.1:5432/app", "postgres:///app?host=/run/postgresql", "dbname=app port=5432",
        "host=a,b port=1,2", "host=@abstract", "postgresql://app:p%40s%2Fs%23@h/app?sslmode=disable", "app", "host=",
    ])
    func `what libpq takes passes`(text: String) throws { try ConnectionText.check(text) }

    @Test(arguments: [
        ("postgresql://app:pa/ss@127.0.0.1:5432/x", "percent-encode"),
        ("postgresql://app:pa@ss#1@127.0.0.1/x", "percent-encode"),
        ("postgresql://app:pa@ss@127.0.0.1/x", "percent-encode"),
        ("host=h port=pa", "a port that is not a number"), ("host=h port=70000", "a port that is not a number"),
        ("postgresql://app:pa/ss?pa=1@127.0.0.1/x", "neither"), ("postgresql://h/x?user=u&password=a&pa=b", "neither"),
        ("password=a pa=b", "neither"), ("password=x pa", "neither"),
    ])
    func `a password that is not encoded is not repeated`(text: String, word: String) {
        let error = #expect(throws: PGError.self) { try ConnectionText.check(text) }
        let message = error?.message ?? ""
        #expect(message.contains(word) && !message.contains("'pa'") && !message.contains("ss#1"), "\(message)")
        #expect(!message.contains("\""), "\(message)")
    }

    @Test func `a parameter that libpq does not know is named without its value`() {
        let error = #expect(throws: PGError.self) {
            try ConnectionText.check("postgresql://app:secret@127.0.0.1/x?schema=public")
        }
        let message = error?.message ?? ""
        #expect(message.contains("'schema'") && !message.contains("public"), "\(message)")
    }
}
