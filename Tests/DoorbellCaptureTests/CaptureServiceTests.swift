import DoorbellCapture
import DoorbellCore
import DoorbellTesting
import Testing

@Suite("CaptureService") struct CaptureServiceTests {
    @Test("an insert, an update and a delete arrive in order, with their images") func basics() async throws {
        let (harness, app) = try await CaptureHarness.live(
            "create table t (id int primary key, v text)", tables: [.named("t")])
        try app.run("insert into t values (1, 'a')")
        try app.run("update t set v = 'b'")
        try app.run("delete from t")
        #expect(
            try await harness.changes(3) == [
                #"insert public.t {"id":1,"v":"a"}"#,
                #"update public.t {"id":1,"v":"a"} {"id":1,"v":"b"}"#,
                #"delete public.t {"id":1,"v":"b"}"#,
            ])
        try await harness.stop()
    }
}
