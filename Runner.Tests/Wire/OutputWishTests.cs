using Google.Protobuf.WellKnownTypes;
using Runner.Jobs;
using Runner.Output;
using Runner.Wire;

namespace Runner.Tests.Wire;

/// <summary>What is wanted of a job's output, and what makes no sense.</summary>
public sealed class OutputWishTests
{
    private static readonly JobId s_id = JobId.New();

    [Fact]
    public void Every_field_of_a_request_survives()
    {
        V1.StreamOutputRequest[] requests = [Request(r => r.Offset = 7), Request(r => r.TailLines = 8), Request(r => r.TailBytes = 9), Request(r => r.Since = new() { Seconds = 10, Nanos = 500 }), Request(r => (r.Stream, r.Offset, r.StderrOffset) = (V1.OutputStream.Both, 11, 12))];
        Assert.All(requests, sent => Assert.Equal(sent, OutputWishes.ToWire(s_id, OutputWishes.FromWire(sent))));

        // A field that is added to the message is to be in one of them.
        Assert.All(V1.StreamOutputRequest.Descriptor.Fields.InDeclarationOrder(), field => Assert.Contains(requests, sent =>
            field.HasPresence ? field.Accessor.HasValue(sent) : !field.Accessor.GetValue(sent).Equals(field.Accessor.GetValue(new V1.StreamOutputRequest()))));

        static V1.StreamOutputRequest Request(Action<V1.StreamOutputRequest> begin)
        {
            var request = new V1.StreamOutputRequest { Id = s_id.ToString(), Stream = V1.OutputStream.Stderr, Follow = true, LimitBytes = 3, Times = true };
            begin(request);
            return request;
        }
    }

    [Fact]
    public void Both_streams_survive_from_wherever_they_may_begin() => Assert.All(
        new[] { OutputBegin.Start, new OutputBegin.At(3, 4), new OutputBegin.LastLines(0), new OutputBegin.Since(DateTimeOffset.UnixEpoch) },
        begin =>
        {
            var wish = new OutputWish(null, begin, Follow: false);
            Assert.Equal(wish, OutputWishes.FromWire(OutputWishes.ToWire(s_id, wish)));
        });

    private static readonly (string Sentence, V1.StreamOutputRequest Request)[] s_senseless =
    [
        ("offset -1: must be 0 or more", new() { Offset = -1 }),
        ("offset 5: must be 0 when tail_lines, tail_bytes or since says where to begin", new() { Offset = 5, TailLines = 1 }),
        ("stderr_offset -1: must be 0 or more", new() { StderrOffset = -1, Stream = V1.OutputStream.Both }),
        ("stderr_offset 5: must be 0 unless both streams are wanted, and when tail_lines or since says where to begin", new() { StderrOffset = 5, Stream = V1.OutputStream.Stderr }),
        ("stderr_offset 5: must be 0 unless both streams are wanted, and when tail_lines or since says where to begin", new() { StderrOffset = 5, TailLines = 1, Stream = V1.OutputStream.Both }),
        ("tail_bytes 5: must not be set with both streams, which begin at their offsets, at tail_lines or at since", new() { TailBytes = 5, Stream = V1.OutputStream.Both }),
        ("tail_lines -1: must be 0 to 1000000000", new() { TailLines = -1 }),
        ("tail_lines 1000000001: must be 0 to 1000000000", new() { TailLines = 1_000_000_001 }),
        ("tail_bytes -1: must be 0 to 9223372036854775807", new() { TailBytes = -1 }),
        ("limit_bytes 0: must be at least 1", new() { LimitBytes = 0 }),
        ("since 9223372036854775807 s 0 ns: must be a time from year 1 to 9999", new() { Since = new Timestamp { Seconds = long.MaxValue } }),
        ("stream 99: must be stdout (1), stderr (2) or both (3)", new() { Stream = (V1.OutputStream)99 }),
    ];

    [Fact]
    public void What_makes_no_sense_is_refused_in_a_sentence_that_says_what_does() => Assert.All(s_senseless, row =>
    {
        var e = Assert.Throws<JobException>(() => OutputWishes.FromWire(row.Request));
        Assert.Equal((JobError.BadField, row.Sentence), (e.Error, e.Message));
    });
}
