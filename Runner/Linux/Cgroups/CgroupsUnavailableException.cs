namespace Runner.Linux.Cgroups;

/// <summary>Jobs cannot have cgroups here at all; the one sentence says why and what to do.</summary>
sealed class CgroupsUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
