using System.Globalization;

namespace Runner.Jobs;

/// <summary>A job as people name it where they do not give its whole UUID. It may name none, or several.</summary>
abstract record JobReference
{
    /// <summary>Fewer characters of a UUID than this are taken for a name only.</summary>
    public const int ShortestStart = 4;

    public const string Valid = "must be a UUID, 4 or more of the first characters of one, a name, pid:N or pid:N@START (such as pid:42@2026-11-22T08:00:00Z)";

    private const string PidMark = "pid:";

    private JobReference() { }

    /// <param name="Text">What was typed.</param>
    /// <param name="Name">The name it may be; null: it is none.</param>
    /// <param name="IdStart">The beginning of a UUID it may be, in lower case; null: it is none.</param>
    public sealed record Word(string Text, string? Name, string? IdStart) : JobReference
    {
        public override bool Matches(JobRecord record) =>
            (Name is not null && record.Spec.Name == Name)
            || (IdStart is not null && record.Id.ToString().StartsWith(IdStart, StringComparison.Ordinal));

        public override string ToString() => Text;
    }

    /// <param name="Pid">Which main process. The number is used again once the process has gone.</param>
    /// <param name="Second">The second its job started in; null: any.</param>
    public sealed record Process(int Pid, DateTimeOffset? Second) : JobReference
    {
        public override bool Matches(JobRecord record) =>
            record.Pid == Pid && (Second is not { } second || record.StartedAt.UtcTicks / TimeSpan.TicksPerSecond == second.UtcTicks / TimeSpan.TicksPerSecond);

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"{PidMark}{Pid}{(Second is { } second ? $"@{Rfc3339.Show(second)}" : "")}");
    }

    public abstract bool Matches(JobRecord record);

    /// <exception cref="JobException">It cannot name a job.</exception>
    public static JobReference Parse(string text) =>
        (text.StartsWith(PidMark, StringComparison.Ordinal) ? (JobReference?)ParsePid(text[PidMark.Length..]) : ParseWord(text))
        ?? throw JobRules.Bad("filter.reference", $"job '{Quoted.Short(text)}': {Valid}");

    private static Word? ParseWord(string text)
    {
        var (name, start) = (JobRules.IsName(text) ? text : null, text.Length >= ShortestStart && JobId.IsStart(text) ? text.ToLowerInvariant() : null);
        return name is null && start is null ? null : new(text, name, start);
    }

    private static Process? ParsePid(string text)
    {
        var (number, start) = text.IndexOf('@', StringComparison.Ordinal) is >= 0 and var at ? (text[..at], text[(at + 1)..]) : (text, null);
        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || pid < 1) return null;
        if (start is null) return new(pid, null);
        return Rfc3339.TryParse(start, out var time) ? new(pid, time.AddTicks(-(time.UtcTicks % TimeSpan.TicksPerSecond)).ToUniversalTime()) : null;
    }
}
