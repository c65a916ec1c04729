using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Runner.Jobs;
using Runner.Output;
using Runner.Wire;
using V1JobSpec = Runner.V1.JobSpec;
using V1Limits = Runner.V1.Limits;
using V1Pressure = Runner.V1.Pressure;
using V1Usage = Runner.V1.Usage;

namespace Runner.Tests.Wire;

/// <summary>Every field of the wire survives the way through the domain: one that is added and forgotten fails here.</summary>
public sealed class RoundTripTests
{
    [Fact]
    public void Every_field_of_a_spec_survives()
    {
        var sent = Filled(new V1JobSpec());
        Assert.Equal(sent, JobSpecs.ToWire(JobSpecs.FromWire(sent)));
    }

    [Fact]
    public void Every_limit_survives()
    {
        var sent = Filled(new V1Limits());
        Assert.Equal(sent, LimitSets.ToWire(LimitSets.FromWire(sent)));
        Assert.Equal(new V1Limits(), LimitSets.ToWire(LimitSets.FromWire(new V1Limits())));
    }

    [Fact]
    public void Every_figure_of_usage_survives()
    {
        var sent = Filled(new V1Usage());
        Assert.Equal(sent, Usages.ToWire(Usages.FromWire(sent)));
        Assert.Equal(new V1Usage(), Usages.ToWire(Usages.FromWire(new V1Usage())));
    }

    [Fact]
    public void Every_field_of_a_filter_survives()
    {
        var sent = new V1.JobFilter
        {
            State = V1.JobStateFilter.Ended, Reason = V1.EndReason.Lost, ExitCode = 3, Failed = true, Name = "n", Owner = "o", Reference = "pid:42@2026-11-22T08:00:00Z",
            Labels = { new V1.LabelFilter { Key = "a" }, new V1.LabelFilter { Key = "b", Value = "" } },
            Pinned = true, StartedSince = new() { Seconds = 1 }, StartedUntil = new() { Seconds = 2, Nanos = 500 },
        };
        foreach (var field in V1.JobFilter.Descriptor.Fields.InDeclarationOrder())
            Assert.True(field.IsRepeated ? ((IList)field.Accessor.GetValue(sent)).Count > 0 : field.HasPresence ? field.Accessor.HasValue(sent) : !field.Accessor.GetValue(sent).Equals(field.Accessor.GetValue(new V1.JobFilter())), field.Name);
        Assert.Equal(sent, JobFilters.ToWire(JobFilters.FromWire(sent)));
        Assert.Equal(new V1.JobFilter(), JobFilters.ToWire(JobFilters.FromWire(new V1.JobFilter())));
    }

    /// <summary>One of each, and of those that hold how the process went one of both.</summary>
    internal static readonly JobEnd[] Ends =
    [
        new JobEnd.Exited(3),
        new JobEnd.Signaled(11, true),
        new JobEnd.OutOfMemory(new ProcessExit.Signaled(9, false)),
        new JobEnd.Stopped("anna", new ProcessExit.Exited(0)),
        new JobEnd.Stopped("anna", new ProcessExit.Signaled(15, false)),
        new JobEnd.TimedOut(new ProcessExit.Signaled(9, false)),
        new JobEnd.OutputLimit(new ProcessExit.Signaled(15, true)),
        new JobEnd.CouldNotStart("no such program"),
        new JobEnd.Lost("host reboot"),
        .. System.Enum.GetValues<LostReason>().Select(why => new JobEnd.Lost($"so: {why}", why)),
    ];

    [Fact]
    public void Every_end_is_among_those_tried() =>
        Assert.Equal(
            typeof(JobEnd).GetNestedTypes().Where(type => type.IsSubclassOf(typeof(JobEnd))).Select(type => type.Name).Order(),
            Ends.Select(end => end.GetType().Name).Distinct().Order());

    [Fact]
    public void Every_end_survives() => Assert.All(Ends, end =>
    {
        var wire = JobEnds.ToWire(DateTimeOffset.UnixEpoch, end);
        Assert.Equal(end, JobEnds.FromWire(V1.Ended.Parser.ParseFrom(wire.ToByteArray())));
    });

    [Fact]
    public void Every_reason_of_the_wire_is_the_reason_of_an_end() =>
        Assert.Equal(
            System.Enum.GetValues<V1.EndReason>().Except([V1.EndReason.Unspecified]).Order(),
            Ends.Select(end => JobEnds.ToWire(DateTimeOffset.UnixEpoch, end).Reason).Distinct().Order());

    [Fact]
    public void A_job_survives()
    {
        var usage = Usages.FromWire(Filled(new V1Usage()));
        var state = new JobState.Ended(DateTimeOffset.UnixEpoch.AddDays(2), new JobEnd.Exited(1), usage, 10, 20, 3, new(4, 5, new string('a', 64)), new(0, 6, new string('b', 64)), HeldOpen: true, DiskFailed: true) { IsDigestDue = true };
        var record = new JobRecord(JobId.New(), JobSpecs.FromWire(Filled(new V1JobSpec())), "anna", 42, new(Cpus: 0.5, Output: new(100_000, OutputPolicy.StopJob)), DateTimeOffset.UnixEpoch.AddDays(1), state) { Pinned = true };
        var view = new JobView(record, usage, 10, 20, Followers: 3, state.Stdout, state.Stderr, HeldBack: "no room");
        Assert.Equal(view, JobViews.FromWire(V1.Job.Parser.ParseFrom(JobViews.ToWire(view).ToByteArray())));

        // And one of which nothing is left.
        state = state with { Stdout = new(10, 10, new string('a', 64)), Stderr = new(20, 20), PrunedAt = DateTimeOffset.UnixEpoch.AddDays(3) };
        view = view with { Record = record with { State = state }, Stdout = state.Stdout, Stderr = state.Stderr };
        var wire = JobViews.ToWire(view);
        Assert.Equal(view, JobViews.FromWire(V1.Job.Parser.ParseFrom(wire.ToByteArray())));
        Assert.All(V1.OutputSizes.Descriptor.Fields.InDeclarationOrder(), field =>
            Assert.True(field.HasPresence ? field.Accessor.HasValue(wire.Output) : !field.Accessor.GetValue(wire.Output).Equals(field.Accessor.GetValue(new V1.OutputSizes())), field.Name));
    }

    [Fact]
    public void Both_streams_survive() =>
        Assert.All(System.Enum.GetValues<OutputKind>(), kind => Assert.Equal(kind, OutputKinds.FromWire(OutputKinds.ToWire(kind))));

    [Fact]
    public void Every_error_survives_with_its_parts() => Assert.All(System.Enum.GetValues<JobError>(), error =>
    {
        var sent = new JobException(error, "what and why") { Field = "spec.name", Step = "execve", Errno = 2 };
        var received = JobErrors.FromRpc(JobErrors.ToRpc(sent));
        Assert.Equal((error, "what and why", "spec.name", "execve", 2), (received!.Error, received.Message, received.Field, received.Step, received.Errno));
    });

    [Fact]
    public void An_error_that_is_not_ours_is_not_taken_for_one()
    {
        Assert.Null(JobErrors.FromRpc(new RpcException(new Status(StatusCode.NotFound, "a proxy's"))));
        Assert.Null(JobErrors.FromRpc(new RpcException(new Status(StatusCode.NotFound, "x"), new Metadata { { "grpc-status-details-bin", [1, 2, 3] } })));
    }

    [Theory]
    [InlineData(1, -1)]
    [InlineData(-1, 1)]
    [InlineData(long.MaxValue, 0)]
    [InlineData(0, 1_000_000_000)]
    public void A_duration_that_is_none_is_refused(long seconds, int nanos) =>
        Assert.Equal(JobError.BadField, Assert.Throws<JobException>(() => Durations.FromWire("grace_period", new Duration { Seconds = seconds, Nanos = nanos })).Error);

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(0, 100, 1)]
    [InlineData(0, 101, 2)]
    [InlineData(0, -1, -1)]
    [InlineData(3600, 1, (3600 * TimeSpan.TicksPerSecond) + 1)]
    [InlineData(-1, -999_999_999, -2 * TimeSpan.TicksPerSecond)]
    public void A_duration_never_becomes_less_than_it_was(long seconds, int nanos, long ticks) =>
        Assert.Equal(ticks, Durations.FromWire("grace_period", new Duration { Seconds = seconds, Nanos = nanos }).Ticks);

    private static T Filled<T>(T message) where T : IMessage
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.IsMap) ((IDictionary)field.Accessor.GetValue(message)).Add("KEY", "value");
            else if (field.IsRepeated) ((IList)field.Accessor.GetValue(message)).Add(Sample(field));
            else field.Accessor.SetValue(message, Sample(field));
        }
        return message;
    }

    private static object Sample(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.String => $"/{field.Name}",
        FieldType.Bool => true,
        FieldType.Int32 => field.FieldNumber + 100,
        FieldType.Int64 => (long)field.FieldNumber + 100,
        FieldType.Double => field.FieldNumber + 0.5,
        FieldType.Enum when field.EnumType == V1.JobReflection.Descriptor.EnumTypes.Single(type => type.Name == nameof(V1.OutputPolicy)) => V1.OutputPolicy.KeepHead,
        FieldType.Message when field.MessageType == Duration.Descriptor => new Duration { Seconds = field.FieldNumber, Nanos = 500 },
        FieldType.Message when field.MessageType == V1Limits.Descriptor => Filled(new V1Limits()),
        FieldType.Message when field.MessageType == V1Pressure.Descriptor => Filled(new V1Pressure()),
        _ => throw new NotSupportedException($"no sample for {field.FullName}"),
    };
}
