namespace Runner.Linux.Cgroups;

/// <summary>Jobs cannot have cgroups here at all; the one sentence says why and what to do.</summary>
sealed class CgroupsUnavailableException(string problem, string mend) : Exception($"{problem}; {mend}")
{
    public string Problem { get; } = problem;

    public string Mend { get; } = mend;
}
