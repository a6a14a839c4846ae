import Testing

@testable import DoorbellSimulate

@Suite("The newest change of an answer")
struct RevisionTests {
    @Test(
        "is the largest number behind the name",
        arguments: [
            (#"{"revision":17}"#, 17), (#"[{"revision" : 3, "a":1}, {"revision" : 12}, {"revision" : 5}]"#, 12),
            (#"{"type":"change","data":{"slot":1,"revision":8},"changed":["revision","body"]}"#, 8),
            (#"{"revision":0}"#, 0), (#"{"revision":41"#, 41),
        ])
    func found(text: String, revision: Int) { #expect(Revision.newest(in: text.utf8) == revision) }

    @Test(
        "is none where there is no number",
        arguments: [
            "", "{}", #"{"changed":["revision"]}"#, #"{"revision":null}"#, #""revision""#, #"{"revision":"#,
            #"{"revisions":4}"#, #"{"revision":99999999999999999999999999}"#, #"{"revision" 4}"#,
        ])
    func none(text: String) { #expect(Revision.newest(in: text.utf8) == nil) }
}
