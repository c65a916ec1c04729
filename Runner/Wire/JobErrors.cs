using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Runner.Jobs;

namespace Runner.Wire;

/// <summary>Where errors meet gRPC, both ways and nowhere else.</summary>
static class JobErrors
{
    private const string DetailsTrailer = "grpc-status-details-bin";

    private static readonly (JobError Error, StatusCode Code, V1.ErrorReason Reason)[] s_table =
    [
        (JobError.BadField, StatusCode.InvalidArgument, V1.ErrorReason.BadField),
        (JobError.BadJobId, StatusCode.InvalidArgument, V1.ErrorReason.BadJobId),
        (JobError.NoSuchJob, StatusCode.NotFound, V1.ErrorReason.NoSuchJob),
        (JobError.NotAllowed, StatusCode.PermissionDenied, V1.ErrorReason.NotAllowed),
        (JobError.IdInUse, StatusCode.AlreadyExists, V1.ErrorReason.IdInUse),
        (JobError.AlreadyEnded, StatusCode.FailedPrecondition, V1.ErrorReason.AlreadyEnded),
        (JobError.StillRunning, StatusCode.FailedPrecondition, V1.ErrorReason.StillRunning),
        (JobError.CannotStart, StatusCode.FailedPrecondition, V1.ErrorReason.CannotStart),
        (JobError.LimitUnavailable, StatusCode.FailedPrecondition, V1.ErrorReason.LimitUnavailable),
        (JobError.Exhausted, StatusCode.ResourceExhausted, V1.ErrorReason.Exhausted),
        (JobError.OsError, StatusCode.Internal, V1.ErrorReason.OsError),
    ];

    public static RpcException ToRpc(JobException e)
    {
        var (_, code, reason) = s_table.Single(row => row.Error == e.Error);
        var detail = new V1.ErrorDetail { Reason = reason, Field = e.Field ?? "", Step = e.Step ?? "", Errno = e.Errno ?? 0 };
        var status = new Google.Rpc.Status { Code = (int)code, Message = e.Message };
        status.Details.Add(Any.Pack(detail));
        return new RpcException(new Status(code, e.Message), new Metadata { { DetailsTrailer, status.ToByteArray() } });
    }

    /// <summary>Null: not an error of ours, but of the transport or of something in between.</summary>
    public static JobException? FromRpc(RpcException e)
    {
        if (DetailOf(e) is not { } detail) return null;
        var row = s_table.FirstOrDefault(row => row.Reason == detail.Reason);
        return row.Reason is V1.ErrorReason.Unspecified
            ? null
            : new JobException(row.Error, e.Status.Detail, e)
            {
                Field = detail.Field.Length > 0 ? detail.Field : null,
                Step = detail.Step.Length > 0 ? detail.Step : null,
                Errno = detail.Errno != 0 ? detail.Errno : null,
            };
    }

    private static V1.ErrorDetail? DetailOf(RpcException e)
    {
        if (e.Trailers.GetValueBytes(DetailsTrailer) is not { } bytes) return null;
        try
        {
            var status = Google.Rpc.Status.Parser.ParseFrom(bytes);
            return status.Details.Where(any => any.Is(V1.ErrorDetail.Descriptor)).Select(any => any.Unpack<V1.ErrorDetail>()).FirstOrDefault();
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
